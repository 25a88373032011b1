import { type Finding, parseReference, pinnedReference, type Release } from "@belay/core";
import { keyOf, titleOf } from "../kubernetes-object.ts";
import { containersOf, type PodContainer, podSpecOf } from "../pod-spec.ts";
import type { Manifest } from "./manifest.ts";

/** Which kinds a service may be, in the order in which a name alone is looked for. */
export const WORKLOADS = ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"] as const;

/** What a service is called in the manifests, where that is not its name in belay.yaml. */
export interface ServicePlace {
  /** `deployment/web`, or `web` alone. */
  readonly workload?: string;
  readonly container?: string;
}

export interface PinnedManifests {
  /** The manifests, with images of the release in place, and the workload of each service marked. */
  readonly manifests: readonly Manifest[];
  readonly findings: readonly Finding[];
}

type Mutable = { -readonly [K in keyof Manifest]: Manifest[K] };

interface Pinning {
  readonly release: Release;
  readonly places: Readonly<Record<string, ServicePlace>>;
  readonly findings: Finding[];
  /** Services whose image was put somewhere. */
  readonly placed: Set<string>;
}

/**
 * Puts the release's images, pinned, where they belong: in the container of each service's workload, and wherever else the
 * manifests name the same repository (an init container, a Job that migrates with the same image). Other images stay.
 */
export function pinImages(
  given: readonly Manifest[],
  release: Release,
  places: Readonly<Record<string, ServicePlace>>,
): PinnedManifests {
  const manifests = given.map((manifest): Mutable => ({ ...manifest, body: structuredClone(manifest.body) }));
  const pinning: Pinning = { release, places, findings: [], placed: new Set() };
  for (const name of Object.keys(release.services)) {
    const workload = findWorkload(manifests, name, pinning);
    if (workload === undefined) continue;
    workload.service = name;
    pinService(workload, name, pinning);
  }
  for (const manifest of manifests) pinRest(manifest, pinning);
  for (const name of Object.keys(release.services)) {
    if (!pinning.placed.has(name) && !pinning.findings.some(({ service }) => service === name)) {
      pinning.findings.push(workloadMissing(name, places[name]));
    }
  }
  return { manifests, findings: pinning.findings };
}

function findWorkload(manifests: readonly Mutable[], service: string, pinning: Pinning): Mutable | undefined {
  const workloads = manifests.filter(({ body }) => WORKLOADS.some((kind) => kind === body.kind));
  const wanted = pinning.places[service]?.workload;
  const [kind, name] = wanted?.includes("/") ? wanted.split("/") : [undefined, wanted ?? service];
  const named = workloads.filter(
    ({ body }) => body.metadata.name === name && (kind === undefined || body.kind.toLowerCase() === kind.toLowerCase()),
  );
  const found = named.length > 0 || wanted !== undefined ? named : withImage(workloads, service, pinning);
  if (found.length <= 1) return found[0];
  const titles = found.map(({ body }) => titleOf(keyOf(body)));
  pinning.findings.push({
    level: "refuse",
    check: "workload_ambiguous",
    service,
    message: `The service ${service} could be any of ${titles.join(", ")}.`,
    remedy: `Name it in belay.yaml: \`names: { kubernetes: ${titles[0]} }\`.`,
  });
  return undefined;
}

/** No workload has the service's name: those that run its image, Deployments and the like before Jobs. */
function withImage(workloads: readonly Mutable[], service: string, { release }: Pinning): readonly Mutable[] {
  const repository = repositoryOf(release.services[service]?.repository);
  const own = workloads.filter(({ body }) =>
    (podSpecOf(body)?.containers ?? []).some(({ image }) => repositoryOf(image) === repository),
  );
  const running = own.filter(({ body }) => body.kind !== "Job" && body.kind !== "CronJob");
  return running.length > 0 ? running : own;
}

function pinService({ body }: Manifest, service: string, pinning: Pinning): void {
  const containers = podSpecOf(body)?.containers ?? [];
  const wanted = pinning.places[service]?.container;
  const container = wanted === undefined ? mainContainer(containers, service, pinning) : byName(containers, wanted);
  if (container !== undefined) {
    pin(container, service, pinning);
    return;
  }
  const names = containers.map(({ name }) => name);
  pinning.findings.push({
    level: "refuse",
    check: "container_unknown",
    service,
    message: `${titleOf(keyOf(body))} has no container that is certainly ${service}'s. Containers: ${names.join(", ") || "none"}.`,
    remedy: `Name it in belay.yaml: \`names: { container: ${names[0] ?? service} }\`.`,
  });
}

function mainContainer(
  containers: readonly PodContainer[],
  service: string,
  { release }: Pinning,
): PodContainer | undefined {
  const repository = repositoryOf(release.services[service]?.repository);
  const same = containers.filter(({ image }) => repositoryOf(image) === repository);
  if (same.length === 1) return same[0];
  return byName(containers, service) ?? (containers.length === 1 ? containers[0] : undefined);
}

function byName(containers: readonly PodContainer[], name: string): PodContainer | undefined {
  return containers.find((container) => container.name === name);
}

function pin(container: PodContainer, service: string, { release, placed }: Pinning): void {
  const image = release.services[service];
  const pinned = image === undefined ? undefined : pinnedReference(image);
  if (pinned === undefined) return;
  container.image = pinned;
  placed.add(service);
}

/** Every other container: the release's image when it names that repository, else as it is. */
function pinRest({ body }: Manifest, pinning: Pinning): void {
  for (const container of containersOf(podSpecOf(body))) {
    const reference = parseReference(container.image ?? "");
    if (reference?.digest !== undefined && isPinnedHere(container, pinning)) continue;
    const services = Object.entries(pinning.release.services);
    const same = services.find(([, image]) => repositoryOf(image.repository) === reference?.repository);
    if (same !== undefined) pin(container, same[0], pinning);
    else if (reference !== undefined && reference.digest === undefined) {
      pinning.findings.push({
        level: "warn",
        check: "image_not_pinned",
        message: `${titleOf(keyOf(body))}: the image ${container.image} of ${container.name} is not Belay's and has no digest. Nodes may run different contents of it.`,
        remedy: "Pin it (`…@sha256:…`), or name it as a service in belay.yaml.",
      });
    }
  }
}

function isPinnedHere({ image }: PodContainer, { release }: Pinning): boolean {
  return Object.values(release.services).some((one) => pinnedReference(one) === image);
}

function repositoryOf(image: string | undefined): string | undefined {
  return image === undefined ? undefined : parseReference(image)?.repository;
}

function workloadMissing(service: string, place: ServicePlace | undefined): Finding {
  const name = place?.workload ?? service;
  return {
    level: "refuse",
    check: "workload_missing",
    service,
    message: `Nothing in the manifests runs the service ${service}: no workload is called ${name}, and none has its image.`,
    remedy: `Name it in belay.yaml: \`names: { kubernetes: deployment/… }\`, or add it to the manifests.`,
  };
}
