import { hostname } from "node:os";
import type { Digest, Finding, Plan, Release, RevisionFacts, RolloutPolicy, ServiceChange } from "@belay/core";
import { knownDigests } from "@belay/core";
import { type ComposeContainer, isLive } from "../containers/compose-container.ts";
import { type ComposeProject, resourceName } from "../files/compose-project.ts";
import { requireSecrets } from "../files/missing-secrets.ts";
import type { TargetState } from "../target-state.ts";
import { describeDifferences } from "./describe-differences.ts";
import { findObstacles, notCovered } from "./findings.ts";
import { missingFiles } from "./missing-files.ts";
import { isTouched, type PlanContents, PlanDetail, type PlannedService } from "./plan-detail.ts";
import { planServices } from "./plan-services.ts";
import { platformFindings, preflight } from "./preflight.ts";

/** Reads files and engine, and says what would be done. Changes nothing. */
export async function makePlan(state: TargetState, release: Release, policy: RolloutPolicy): Promise<Plan> {
  const { options, docker } = state;
  const { scope, env, services: names } = options;
  const [rendered, containers, info] = await Promise.all([state.cli.render(), readExactly(state), docker.info()]);
  requireSecrets(options, rendered, "planning the deployment");
  const outsiders = await networksOfOthers(state, rendered, containers);
  const plan = planServices({ release, policy, scope, names, rendered, containers, env, outsiders });
  const built = Object.fromEntries(
    Object.entries(release.services).map(([service, image]) => [service, Object.keys(image.platforms)]),
  );
  const findings: Finding[] = [
    ...findObstacles(plan, containers, policy, scope),
    ...platformFindings(plan, built, info),
    ...(await preflight(plan, policy, options, state.images)),
    ...(await missingFiles(plan, info.Name === hostname())),
  ];
  return {
    scope,
    services: await Promise.all(
      plan.services.map((one) => {
        const image = release.services[one.service];
        return changeOf(state, plan, one, image === undefined ? [] : knownDigests(image));
      }),
    ),
    findings,
    notCovered: notCovered(plan),
    labelledDeployment: plan.labelledDeployment,
    detail: new PlanDetail(plan),
  };
}

/** All containers of the project, whose changes are followed from now on. */
export async function readExactly({ watch }: TargetState): Promise<ComposeContainer[]> {
  await watch.open();
  return watch.read(undefined, "exact");
}

/** `digests`: under which the planned image is known. */
export async function changeOf(
  state: TargetState,
  plan: PlanContents,
  one: PlannedService,
  digests: readonly Digest[],
): Promise<ServiceChange> {
  const { service, name, action, goal, desired, dependsOn, current } = one;
  const live = current.filter(isLive);
  const from = await factsOf(state, live.length > 0 ? live : current);
  if (action === "remove") {
    const removed = { service, name, action, goal, desired, dependsOn, differences: ["no longer part of the release"] };
    return from === undefined ? removed : { ...removed, from };
  }
  const to: RevisionFacts = { revision: one.hash, image: one.image, digests, instances: desired };
  const imageEnv = from === undefined ? undefined : await state.images.find(current.at(-1)?.inspect.Image ?? "");
  const counts = { live: live.length, desired };
  const files = plan.project.services[name] ?? {};
  const differences = isTouched(one) ? describeDifferences(files, current, imageEnv?.Config?.Env ?? [], counts) : [];
  return { service, name, action, goal, desired, dependsOn, ...(from === undefined ? {} : { from }), to, differences };
}

async function factsOf(
  state: TargetState,
  containers: readonly ComposeContainer[],
): Promise<RevisionFacts | undefined> {
  const sample = containers.at(-1);
  if (sample === undefined) return undefined;
  const { Image, Config } = sample.inspect;
  return {
    revision: sample.revision,
    image: Config.Image ?? Image,
    digests: await state.images.digests(Image),
    instances: containers.length,
  };
}

/** Names (on the engine) of the project's networks in which containers of others are. */
export async function networksOfOthers(
  state: TargetState,
  project: ComposeProject,
  containers: readonly ComposeContainer[],
): Promise<ReadonlySet<string>> {
  const own = new Set(containers.map(({ id }) => id));
  const names = new Set(Object.keys(project.networks ?? {}).map((key) => resourceName(project, "networks", key)));
  const networks = await state.docker.networks.list();
  const there = networks.filter(({ Name }) => names.has(Name));
  const found = await Promise.all(
    there.map(async ({ Id, Name }) => {
      const { Containers } = await state.docker.networks.inspect(Id);
      return Object.keys(Containers ?? {}).some((id) => !own.has(id)) ? [Name] : [];
    }),
  );
  return new Set(found.flat());
}
