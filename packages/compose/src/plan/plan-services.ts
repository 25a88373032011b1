import {
  BelayError,
  dependencyOrder,
  type Goal,
  pinnedReference,
  type Release,
  type RolloutPolicy,
  type Scope,
  type ServiceChange,
  scopeHash,
} from "@belay/core";
import { type ComposeContainer, isLive, isSound } from "../containers/compose-container.ts";
import { type ComposeProject, declaredScale, dependencyClosure, runsOnce } from "../files/compose-project.ts";
import { pinImages } from "../files/pinned-project.ts";
import { hashOf, revisionHash } from "../files/revision.ts";
import { planHandOver } from "./hand-over.ts";
import { overlapObstacles } from "./overlap.ts";
import { isTouched, type PlanContents, type PlannedService } from "./plan-detail.ts";

export interface PlanInput {
  readonly release: Release;
  readonly policy: RolloutPolicy;
  readonly scope: Scope;
  /** Names in `belay.yaml` → names in the files. */
  readonly names: Readonly<Record<string, { readonly name: string }>>;
  readonly rendered: ComposeProject;
  /** All containers of the project. */
  readonly containers: readonly ComposeContainer[];
  readonly env: Readonly<Record<string, string>>;
  /** Names of networks that hold containers of others. */
  readonly outsiders: ReadonlySet<string>;
}

/** Revision of a service that is to have no containers. */
const NOTHING = "none";

/**
 * What has to be done for each service of the release. Pure.
 * @throws BelayError CONFIG_INVALID when a service is not in the files, RELEASE_INVALID when an image was never pushed.
 */
export function planServices(input: PlanInput): PlanContents {
  const { release, scope, containers } = input;
  const belayNames = Object.keys(release.services);
  const composeName = (service: string): string => input.names[service]?.name ?? service;
  const images = Object.fromEntries(belayNames.map((service) => [service, pinOf(release, service)]));
  for (const service of belayNames) requireService(input.rendered, service, composeName(service));
  const pins = Object.fromEntries(belayNames.map((service) => [composeName(service), images[service] ?? ""]));
  const project = pinImages(input.rendered, pins);
  const byName = new Map(belayNames.map((service) => [composeName(service), service]));
  const services = belayNames.map((service): PlannedService => {
    const name = composeName(service);
    const current = containers.filter((container) => container.service === name);
    const goal: Goal = runsOnce(project, name) ? "complete" : "run";
    const hash = revisionHash(project, name, input.env);
    const desired = goal === "complete" ? 1 : desiredCount(project, name, current);
    const dependsOn = dependencyClosure(project, name).flatMap((one) => byName.get(one) ?? []);
    const draft = { service, name, goal, desired, dependsOn, image: images[service] ?? "", hash, current };
    const action = actionOf(draft, project, scope, input.policy);
    return { ...draft, action, handOver: planHandOver(project, name, input.outsiders) };
  });
  const own = containers.filter((one) => one.scope === scopeHash(scope));
  const missing = missingDependencies(project, services, containers);
  return {
    project,
    services: [...dependencyOrder(services), ...removedServices(input, project)],
    missingDependencies: missing,
    companions: companionsOf(project, services, containers, scopeHash(scope)),
    labelledDeployment: Math.max(0, ...own.map((one) => one.deployment ?? 0)),
  };
}

function pinOf(release: Release, service: string): string {
  const image = release.services[service];
  const pinned = image === undefined ? undefined : pinnedReference(image);
  if (pinned !== undefined) return pinned;
  throw new BelayError("RELEASE_INVALID", {
    doing: `planning the deployment of ${service}`,
    got: "its image has no digest of a registry",
    next: "Push the release first: images go to a target as repository@sha256:… only.",
  });
}

function requireService(project: ComposeProject, service: string, name: string): void {
  if (project.services[name] !== undefined) return;
  const there = Object.keys(project.services);
  throw new BelayError("CONFIG_INVALID", {
    doing: `looking for the service ${service} in the compose project ${project.name}`,
    got: `its files have no service ${name}${there.length === 0 ? "" : `, only ${there.join(", ")}`}`,
    next: `Set \`services.${service}.names.compose\` in belay.yaml, or \`target.profiles\` when it belongs to a profile.`,
  });
}

/**
 * How many containers should run: what the files say, as for `docker compose up`. Where they say nothing, a number that
 * somebody set by hand (`docker compose up --scale`) is kept.
 */
function desiredCount(project: ComposeProject, name: string, current: readonly ComposeContainer[]): number {
  const declared = declaredScale(project.services[name] ?? {});
  return declared ?? Math.max(1, current.filter(isLive).length);
}

type Draft = Omit<PlannedService, "action" | "handOver">;

export function actionOf(
  draft: Draft,
  project: ComposeProject,
  scope: Scope,
  policy: RolloutPolicy,
): ServiceChange["action"] {
  if (isUnchanged(draft, scope)) return "unchanged";
  if (draft.current.length === 0) return "create";
  const both = draft.desired + draft.current.filter(isLive).length;
  const obstacles = overlapObstacles(project.services[draft.name] ?? {}, both, draft.desired);
  return obstacles.length > 0 && policy.strategy === "recreate" ? "recreate" : "update";
}

/** Right containers, right number, all of one deployment of this scope, and none of them visibly broken. */
function isUnchanged({ current, hash, desired, goal }: Draft, scope: Scope): boolean {
  const right = current.every(
    (one) => one.scope === scopeHash(scope) && hashOf(one.revision) === hash && isSound(one.inspect.State, goal),
  );
  return right && current.length === desired && new Set(current.map((one) => one.revision)).size <= 1;
}

/**
 * What this scope brought and neither the release, belay.yaml nor the files name any more. It is called by its name in
 * compose. A service that left only belay.yaml is the user's from then on.
 */
function removedServices({ release, names, containers, scope }: PlanInput, project: ComposeProject): PlannedService[] {
  const named = new Set([
    ...Object.keys(project.services),
    ...Object.values(names).map(({ name }) => name),
    ...Object.keys(release.services),
  ]);
  const gone = containers.filter((one) => one.scope === scopeHash(scope) && !named.has(one.service));
  return [...Map.groupBy(gone, (one) => one.service)].map(([name, current]) => ({
    ...{ service: name, name, action: "remove", desired: 0, dependsOn: [], image: "", hash: NOTHING, current },
    goal: current.some(isLive) ? "run" : "complete",
    handOver: { networks: [], cuts: [] },
  }));
}

/**
 * The services beside the release and what it depends on, when nothing shows that anybody but Belay ever started something
 * here: a first deployment that failed and left its containers must not keep the next one from starting the proxy.
 */
function companionsOf(
  project: ComposeProject,
  services: readonly PlannedService[],
  containers: readonly ComposeContainer[],
  scope: string,
): string[] {
  const released = new Set(services.map((one) => one.name));
  const needed = new Set(services.flatMap((one) => dependencyClosure(project, one.name)));
  // Dependencies carry no label: they may be what a deployment before this one had to start.
  const ours = (one: ComposeContainer): boolean =>
    released.has(one.service) ? one.scope === scope : needed.has(one.service);
  if (!services.some(isTouched) || !containers.every(ours)) return [];
  return Object.keys(project.services).filter((name) => !released.has(name) && !needed.has(name));
}

function missingDependencies(
  project: ComposeProject,
  services: readonly PlannedService[],
  containers: readonly ComposeContainer[],
): string[] {
  const released = new Set(services.map((one) => one.name));
  const there = new Set(containers.map((one) => one.service));
  const needed = services
    .filter((one) => one.action !== "unchanged")
    .flatMap((one) => dependencyClosure(project, one.name));
  return [...new Set(needed)].filter((name) => !released.has(name) && !there.has(name));
}
