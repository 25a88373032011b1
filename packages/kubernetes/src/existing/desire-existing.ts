import { BelayError, type Finding, pinnedReference, type Release } from "@belay/core";
import type { DesiredObject, DesiredState } from "../desired.ts";
import { type KubernetesObject, type ObjectKey, titleOf } from "../kubernetes-object.ts";
import type { ServiceNames } from "../kubernetes-options.ts";
import { goalOf, type PodContainer, parseWorkload, templateOf } from "../workload.ts";

/** What is to be read of the cluster: which workload is whose. @throws BelayError CONFIG_INVALID */
export function workloadKey(service: string, names: ServiceNames | undefined): ObjectKey {
  const text = names?.workload ?? service;
  const key = parseWorkload(text);
  if (key !== undefined) return key;
  throw new BelayError("CONFIG_INVALID", {
    doing: `looking for the workload of ${service}`,
    got: `\`${text}\` names no kind that Belay deploys`,
    next: `Set \`services.${service}.names.kubernetes\` to one of deployment/NAME, statefulset/NAME, daemonset/NAME, cronjob/NAME.`,
  });
}

/**
 * The release's images in the workloads that exist. Pure; `live` has the workloads by service. What is missing is a finding.
 * @throws BelayError RELEASE_INVALID when an image was never pushed.
 */
export function desireExisting(
  release: Release,
  services: Readonly<Record<string, ServiceNames>>,
  live: ReadonlyMap<string, KubernetesObject | undefined>,
): DesiredState {
  const findings: Finding[] = [];
  const objects = Object.entries(release.services).map(([service, image]): DesiredObject => {
    const key = workloadKey(service, services[service]);
    const pinned = pinnedReference(image);
    if (pinned === undefined) throw notPushed(service);
    const container = containerFor(service, services[service], live.get(service), findings, key);
    return {
      ...key,
      verb: "patch-image",
      service,
      goal: goalOf(key.kind),
      dependsOn: [],
      images: container === undefined ? {} : { [container]: pinned },
    };
  });
  return { objects, prune: [], findings, notCovered: [] };
}

function containerFor(
  service: string,
  names: ServiceNames | undefined,
  workload: KubernetesObject | undefined,
  findings: Finding[],
  key: ObjectKey,
): string | undefined {
  const title = titleOf(key);
  const template = workload && templateOf(workload);
  if (template === undefined) {
    const message = `the namespace has no ${title}`;
    const remedy = `Create it once, or let Belay: set \`target.files\`, or \`services.${service}.names.kubernetes\`.`;
    findings.push({ level: "refuse", check: "workload_missing", service, message, remedy });
    return undefined;
  }
  const { containers, initContainers = [] } = template.spec;
  const all: readonly PodContainer[] = [...containers, ...initContainers];
  const wanted = names?.container ?? (containers.length === 1 ? containers[0]?.name : service);
  if (all.some(({ name }) => name === wanted)) return wanted;
  const message = `${title} has no container ${wanted}, only ${all.map(({ name }) => name).join(", ")}`;
  const remedy = `Set \`services.${service}.names.container\`.`;
  findings.push({ level: "refuse", check: "container_missing", service, message, remedy });
  return undefined;
}

function notPushed(service: string): BelayError {
  return new BelayError("RELEASE_INVALID", {
    doing: `planning the deployment of ${service}`,
    got: "its image has no digest of a registry",
    next: "Push the release first: images go to a target as repository@sha256:… only.",
  });
}
