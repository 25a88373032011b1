import {
  BelayError,
  type Digest,
  type Finding,
  knownDigests,
  type Platform,
  pinnedReference,
  type Release,
} from "@belay/core";
import type { Service, ServiceSpec, TaskSpec } from "@belay/docker";
import { withOwnUpdateConfig } from "../spec/own-update-config.ts";
import { goalOf } from "../spec/service-mode.ts";

/** An existing service that should run another image, and nothing else that is new. */
export interface DesiredImage {
  readonly service: string;
  readonly name: string;
  readonly current: Service;
  readonly image: string;
  readonly digests: readonly Digest[];
  readonly goal: ReturnType<typeof goalOf>;
  readonly draft: (live: ServiceSpec | undefined) => ServiceSpec;
}

export interface DesiredImages {
  /** Of the services that are there. */
  readonly images: readonly DesiredImage[];
  readonly findings: readonly Finding[];
}

/**
 * What `docker service update --image` does, for each service of the release: parallelism, delay, order and all else stay the
 * user's. Pure. A service that the swarm does not have is a finding.
 *
 * @throws BelayError RELEASE_INVALID when an image was never pushed.
 */
export function desireExisting(
  release: Release,
  nameOf: (service: string) => string,
  existing: readonly Service[],
): DesiredImages {
  const findings: Finding[] = [];
  const images = Object.entries(release.services).flatMap(([service, identity]): DesiredImage[] => {
    const image = pinnedReference(identity);
    if (image === undefined) throw unpushed(service);
    const name = nameOf(service);
    const current = existing.find(({ Spec }) => Spec.Name === name);
    if (current === undefined) {
      findings.push(missing(service, name, existing));
      return [];
    }
    const platforms = Object.keys(identity.platforms);
    const draft = (live: ServiceSpec | undefined): ServiceSpec =>
      withImage(withOwnUpdateConfig(live ?? current.Spec), image, platforms);
    return [{ service, name, current, image, digests: knownDigests(identity), goal: goalOf(current.Spec), draft }];
  });
  return { images, findings };
}

export function unpushed(service: string): BelayError {
  return new BelayError("RELEASE_INVALID", {
    doing: `planning the deployment of ${service}`,
    got: "its image has no digest of a registry",
    next: "Push the release first: images go to a target as repository@sha256:… only.",
  });
}

function missing(service: string, name: string, existing: readonly Service[]): Finding {
  const there = existing.map(({ Spec }) => Spec.Name).sort();
  const message = `the swarm has no service ${name}${there.length === 0 ? "" : `, only ${there.slice(0, 10).join(", ")}`}`;
  const remedy = `Create it first, name it in \`services.${service}.names.swarm\`, or give the stack's files in \`target.files\`.`;
  return { level: "refuse", check: "workload_missing", service, message, remedy };
}

/** The spec with another image. The same one under another tag stays as it is written: nothing would be new. */
export function withImage(spec: ServiceSpec, image: string, platforms: readonly Platform[]): ServiceSpec {
  const task = spec.TaskTemplate;
  const container = task.ContainerSpec;
  if (container === undefined || isSameImage(container.Image, image)) return spec;
  return {
    ...spec,
    TaskTemplate: { ...withPlatforms(task, platforms), ContainerSpec: { ...container, Image: image } },
  };
}

export function isSameImage(a: string, b: string): boolean {
  return pinOf(a) !== undefined && pinOf(a) === pinOf(b);
}

/** `repository@digest` without the tag: `a/b:c@sha256:…` and `a/b@sha256:…` are one image. */
function pinOf(image: string): string | undefined {
  const [name = "", digest] = image.split("@");
  if (digest === undefined) return undefined;
  const colon = name.indexOf(":", name.lastIndexOf("/") + 1);
  return `${(colon < 0 ? name : name.slice(0, colon)).replace(/^docker\.io\/(library\/)?/, "")}@${digest}`;
}

/**
 * The docker command line writes the platforms of the image into the spec, so that no node gets one that it can't run. Those
 * of the old image would keep the new one from nodes, or send it to the wrong ones. A service without them keeps none.
 */
function withPlatforms(task: TaskSpec, platforms: readonly Platform[]): TaskSpec {
  const before = task.Placement?.Platforms ?? [];
  if (before.length === 0 || platforms.length === 0) return task;
  const after = platforms.map((platform) => {
    const [OS = "", architecture = ""] = platform.split("/");
    // Nodes don't tell variants of arm apart as images do, so the command line leaves it out (docker/swarmkit #2294).
    return architecture === "arm" ? { OS } : { Architecture: architecture, OS };
  });
  const key = (list: typeof before): string =>
    JSON.stringify(list.map(({ OS, Architecture }) => `${OS}/${Architecture ?? ""}`).sort());
  return key(before) === key(after) ? task : { ...task, Placement: { ...task.Placement, Platforms: after } };
}
