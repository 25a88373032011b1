import {
  LABELS,
  type Plan,
  pinnedReference,
  type Release,
  type RevisionFacts,
  type RolloutPolicy,
  type ServiceChange,
  scopeHash,
} from "@belay/core";
import type { Service } from "@belay/docker";
import type { DesiredStack } from "../desired.ts";
import { digestsIn } from "../observe/translate-task.ts";
import { readLabels } from "../spec/service-labels.ts";
import { renderFiles, renderStack } from "../stack/index.ts";
import type { TargetState } from "../target-state.ts";
import { describeDifferences } from "./describe-differences.ts";
import { isSameImage, unpushed } from "./desire-existing.ts";
import { findObstacles } from "./findings.ts";
import { ImageBook } from "./image-book.ts";
import { isTouched, type PlanContents, PlanDetail, type PlannedService } from "./plan-detail.ts";
import { planExisting, planStack } from "./plan-services.ts";
import { preflight } from "./preflight.ts";
import { readSwarm } from "./read-swarm.ts";
import { expiringCredentials } from "./registry-credentials.ts";

export const STACK_LABEL = "com.docker.stack.namespace";

/** Reads the swarm (and the files), and says what would be done. Changes nothing. */
export async function makePlan(state: TargetState, release: Release, policy: RolloutPolicy): Promise<Plan> {
  const { options } = state;
  // A program of its own reads them, which needs nothing of the swarm and takes longer than all that is asked meanwhile.
  const document = options.stack && renderFiles({ ...options, stack: options.stack });
  // Told where it is waited for, which it is not when the swarm does not answer.
  document?.catch(() => undefined);
  const [existing, nodes] = await Promise.all([state.directory.all(), state.docker.nodes.list()]);
  learnNames(state, existing);
  const images = new ImageBook(state, nodes);
  // Each takes a program or a question to a registry, and none needs another's answer.
  const [stack, swarm] = await Promise.all([
    document && render(state, release, existing, document),
    readSwarm(state, existing, nodes, (service) => isLikelyOwn(state, release, service)),
    images.ask(imagesOf(state, release, existing)),
  ]);
  const wanted = new Set(
    stack?.services.map(({ name }) => name) ?? Object.keys(release.services).map((one) => state.nameOf(one)),
  );
  const own = (service: Service): boolean => wanted.has(service.Spec.Name) || isOfScope(state, service);
  const missed = existing.some((service) => own(service) && !isLikelyOwn(state, release, service));
  const now = missed ? await readSwarm(state, existing, nodes, own) : swarm;
  const { services, findings } =
    stack === undefined
      ? planExisting(now, release, (service) => state.nameOf(service))
      : { services: planStack(now, stack, release), findings: [] };
  const numbered = { labelledDeployment: labelledDeployment(state, now.services) };
  const contents = { services, findings, ...(stack && { stack }), ...numbered };
  return planOf(state, contents, {
    policy,
    nodes,
    existing,
    images,
    platforms: Object.fromEntries(
      Object.entries(release.services).map(([service, { platforms }]) => [service, Object.keys(platforms)]),
    ),
  });
}

/** Those that a plan may touch, as far as it can be told before the files are read. */
function isLikelyOwn(state: TargetState, release: Release, service: Service): boolean {
  const { Name } = service.Spec;
  const named = Object.keys(release.services).some((one) => state.nameOf(one) === Name);
  return named || Name.startsWith(`${state.options.scope.project}_`) || isOfScope(state, service);
}

/** The release's, and those that run in their places. */
function imagesOf(state: TargetState, release: Release, existing: readonly Service[]): string[] {
  return Object.entries(release.services).flatMap(([service, identity]) => {
    const then = pinnedReference(identity);
    const now = existing.find(({ Spec }) => Spec.Name === state.nameOf(service))?.Spec.TaskTemplate.ContainerSpec
      ?.Image;
    const moves = then !== undefined && now !== undefined && !isSameImage(then, now);
    return then === undefined ? [] : now === undefined ? [then] : moves ? [then, now] : [];
  });
}

/** A service that belay.yaml does not name goes by the stack's name and its own, or by its own alone if only that exists. */
export function learnNames(state: TargetState, existing: readonly Service[]): void {
  const there = new Set(existing.map(({ Spec }) => Spec.Name));
  for (const [service, { name }] of Object.entries(state.options.services)) {
    if (name !== undefined || state.options.stack !== undefined) continue;
    const full = `${state.options.scope.project}_${service}`;
    state.names.set(service, !there.has(full) && there.has(service) ? service : full);
  }
}

function render(
  state: TargetState,
  release: Release,
  existing: readonly Service[],
  document: ReturnType<typeof renderFiles>,
): Promise<DesiredStack> {
  const { options } = state;
  const images = Object.entries(release.services).map(([service, identity]) => {
    const image = pinnedReference(identity);
    if (image === undefined) throw unpushed(service);
    return [service, image] as const;
  });
  const platforms = Object.entries(release.services).map(([service, identity]) => {
    const pairs = Object.keys(identity.platforms).map((one) => one.split("/"));
    return [service, pairs.map(([os = "", architecture = ""]) => ({ os, architecture }))] as const;
  });
  const { docker, runner, log, clock, redactor, scope, services, stack } = options;
  const request = {
    ...{ docker, runner, log, clock, redactor, scope, services, existing },
    stack: stack ?? { files: [], env: {}, secretNames: [] },
    images: Object.fromEntries(images),
    platforms: Object.fromEntries(platforms),
    digests: Object.fromEntries(images.map(([service, image]) => [service, digestsIn(image)])),
  };
  return renderStack(request, document);
}

export function isOfScope(state: TargetState, { Spec }: Service): boolean {
  return Spec.Labels?.[LABELS.scope] === scopeHash(state.options.scope);
}

export function labelledDeployment(state: TargetState, services: readonly Service[]): number {
  const own = services.filter((service) => isOfScope(state, service));
  return Math.max(0, ...own.map(({ Spec }) => readLabels(Spec).deployment ?? 0));
}

export type PlanCircumstances = Parameters<typeof findObstacles>[2];

/** The printable plan of these contents, with what preflight finds. */
export async function planOf(
  state: TargetState,
  contents: PlanContents,
  circumstances: PlanCircumstances,
): Promise<Plan> {
  const touched = contents.services.filter(isTouched);
  return {
    scope: state.options.scope,
    services: contents.services.map((one) => changeOf(state, one)),
    findings: [
      ...(contents.stack?.findings ?? []),
      ...(contents.findings ?? []),
      ...findObstacles(state, contents, circumstances),
      ...(await preflight(touched, circumstances)),
      ...(await expiringCredentials(state, touched, circumstances.nodes)),
    ],
    notCovered: [...new Set([...(contents.stack?.notCovered ?? []), ...touched.flatMap(dataOf)])].sort(),
    labelledDeployment: contents.labelledDeployment,
    detail: new PlanDetail(contents),
  };
}

/** What a service writes to and no way back covers, by name. */
function dataOf({ service, draft, current, goal }: PlannedService): string[] {
  const spec = draft?.(current?.Spec) ?? current?.Spec;
  const mounts = spec?.TaskTemplate.ContainerSpec?.Mounts ?? [];
  const data = mounts.flatMap(({ Type, Source }) => {
    if (Source === undefined || Source === "" || Source.endsWith(".sock")) return [];
    if (Type === "volume") return [`the volume ${Source}`];
    return Type === "bind" ? [`the files at ${Source}`] : [];
  });
  return goal === "complete" ? [...data, `what ${service} does when it runs`] : data;
}

function changeOf(state: TargetState, one: PlannedService): ServiceChange {
  const { service, name, action, goal, desired, dependsOn, current, ready, image, revision, digests } = one;
  const shown = current?.Spec.TaskTemplate.ContainerSpec?.Image ?? "";
  const from: RevisionFacts | undefined = current && {
    revision: state.revisionInForce(current),
    image: shown,
    digests: digestsIn(shown),
    instances: ready,
  };
  const to: RevisionFacts | undefined =
    action === "remove" ? undefined : { revision, image, digests, instances: desired };
  const differences = isTouched(one) ? describeDifferences(state, one) : [];
  return { service, name, action, goal, desired, dependsOn, ...(from && { from }), ...(to && { to }), differences };
}
