import {
  type Digest,
  dependencyOrder,
  digestOf,
  type Finding,
  type Goal,
  isDigest,
  type Plan,
  type RolloutPolicy,
  shortDigest,
} from "@belay/core";
import { type ComposeContainer, containerOf, isLive } from "../containers/compose-container.ts";
import { type Model, projectThen } from "../containers/project-then.ts";
import { type ComposeProject, runsOnce } from "../files/compose-project.ts";
import { filesToCopy, isCopied } from "../files/injected-files.ts";
import { requireSecrets } from "../files/missing-secrets.ts";
import { hashOf } from "../files/revision.ts";
import { findObstacles, notCovered } from "../plan/findings.ts";
import { planHandOver } from "../plan/hand-over.ts";
import { changeOf, networksOfOthers, readExactly } from "../plan/make-plan.ts";
import { type PlanContents, PlanDetail, type PlannedService } from "../plan/plan-detail.ts";
import { actionOf } from "../plan/plan-services.ts";
import { hasImage, preflight } from "../plan/preflight.ts";
import { servingRevision } from "../read-running.ts";
import type { TargetState } from "../target-state.ts";
import type { ServiceSnapshot, Snapshot } from "./snapshot.ts";
import { sampleOf } from "./snapshot-members.ts";

/** A service as a snapshot shows it. */
interface Then extends ServiceSnapshot {
  readonly at: Snapshot["at"];
}

/**
 * What going back to these snapshots (oldest first) would do. The containers then are the pattern for the new ones, so the
 * whole configuration comes back with the image; they are put in service like those of a release.
 */
export async function makeRestorationPlan(
  state: TargetState,
  snapshots: readonly Snapshot[],
  policy: RolloutPolicy,
): Promise<Plan> {
  const { scope } = state.options;
  const [rendered, containers] = await Promise.all([state.cli.render(), readExactly(state)]);
  const then = firstOfEach(snapshots);
  const models = await modelsOf(state, then);
  const project = projectThen(rendered, models);
  requireSecrets(state.options, usedThen(project, models), "planning the way back");
  const outsiders = await networksOfOthers(state, project, containers);
  const planning: Planning = { state, project, containers, models, policy, outsiders };
  const own = containers.filter((one) => one.scope !== undefined);
  const plan: PlanContents = {
    project,
    services: dependencyOrder([...then.flatMap((one) => planThen(planning, one)), ...planOthers(planning, then)]),
    missingDependencies: [],
    companions: [],
    models,
    labelledDeployment: Math.max(0, ...own.map((one) => one.deployment ?? 0)),
  };
  const findings: Finding[] = [
    ...findObstacles(plan, containers, policy, scope),
    ...(await preflight(plan, policy, state.options, state.images)),
    ...findingsThen(plan, then),
  ];
  return {
    scope,
    services: await Promise.all(
      plan.services.map(async (one) => changeOf(state, plan, one, await digestsThen(state, one, models))),
    ),
    findings,
    notCovered: notCovered(plan),
    labelledDeployment: plan.labelledDeployment,
    detail: new PlanDetail(plan),
  };
}

/** What of the files has a part in making these services again: all else comes from their containers of then. */
function usedThen(project: ComposeProject, models: ReadonlyMap<string, Model>): object {
  const services = [...models.keys()].map((name) => project.services[name] ?? {});
  const configs = services.flatMap((one) => one.configs ?? []).map(({ source }) => project.configs?.[source]);
  const secrets = services.flatMap((one) => one.secrets ?? []).map(({ source }) => project.secrets?.[source]);
  return [services, configs, secrets, project.networks, project.volumes];
}

function firstOfEach(snapshots: readonly Snapshot[]): readonly Then[] {
  const then = new Map<string, Then>();
  for (const { at, services } of snapshots) {
    for (const one of services) if (!then.has(one.service)) then.set(one.service, { ...one, at });
  }
  return [...then.values()];
}

/** By compose's name of the service. None for one that did not exist. */
async function modelsOf(state: TargetState, then: readonly Then[]): Promise<ReadonlyMap<string, Model>> {
  const models = await Promise.all(
    then.map(async (one) => {
      const inspect = sampleOf(one, one.at);
      if (inspect === undefined) return [];
      const reference = inspect.Config.Image ?? inspect.Image;
      // A tag may have moved since; the id is what ran. Only a digest can be had again from a registry.
      const pinned = isDigest(reference.split("@")[1] ?? "");
      const image = pinned || !(await hasImage(state.docker, inspect.Image)) ? reference : inspect.Image;
      const known = await state.images.find(inspect.Image);
      const files = one.files === undefined ? {} : { files: one.files };
      return [[one.name, { inspect, image, imageConfig: known?.Config ?? undefined, ...files }] as const];
    }),
  );
  return new Map(models.flat());
}

interface Planning {
  readonly state: TargetState;
  readonly project: ComposeProject;
  readonly containers: readonly ComposeContainer[];
  readonly models: ReadonlyMap<string, Model>;
  readonly policy: RolloutPolicy;
  readonly outsiders: ReadonlySet<string>;
}

function planThen(planning: Planning, then: Then): PlannedService[] {
  const { state, project, containers, models, policy, outsiders } = planning;
  const { service, name, goal } = then;
  const current = containers.filter((one) => one.service === name);
  const model = models.get(name);
  if (model === undefined) {
    if (current.length === 0) return [];
    const nothing = { desired: 0, dependsOn: [], image: "", hash: "none", handOver: { networks: [], cuts: [] } };
    return [{ service, name, goal, current, action: "remove", ...nothing }];
  }
  if (goal === "complete") return leaveAlone(planning, service, name, goal);
  const { revision } = containerOf(model.inspect);
  const alike = then.containers.filter((one) => containerOf(one).revision === revision).length;
  // Somebody may have scaled it up since, for a reason that going back does not know.
  const live = servingRevision(name, current.filter(isLive)).length;
  const draft = {
    ...{ service, name, goal, current, image: model.image, dependsOn: dependenciesAmong(planning, name) },
    desired: Math.max(alike, live),
    hash: hashThen(planning, name, hashOf(revision)),
  };
  const action = actionOf(draft, project, state.options.scope, policy);
  return [{ ...draft, action, handOver: planHandOver(project, name, outsiders) }];
}

/** Services that no snapshot has were not touched since: they are judged with the others and left alone. */
function planOthers(planning: Planning, then: readonly Then[]): PlannedService[] {
  const known = new Set(then.map(({ service }) => service));
  const others = Object.entries(planning.state.options.services).filter(([service]) => !known.has(service));
  return others.flatMap(([service, { name }]) => {
    const goal = runsOnce(planning.project, name) ? "complete" : "run";
    return leaveAlone(planning, service, name, goal);
  });
}

/** What runs once is not run again either: a migration back then is not what undoes the one since. */
function leaveAlone(planning: Planning, service: string, name: string, goal: Goal): PlannedService[] {
  const all = planning.containers.filter((one) => one.service === name);
  const live = all.filter(isLive);
  const serving = servingRevision(name, live.length > 0 ? live : all);
  const sample = serving.at(-1);
  if (sample === undefined) return [];
  const dependsOn = dependenciesAmong(planning, name);
  const { Image, Config } = sample.inspect;
  // Its part behind the @ is compared with what runs; where there is none, the image's id is.
  const image = Config.Image?.includes("@") === true ? Config.Image : Image;
  const beside = all.filter(({ revision }) => revision !== sample.revision).map(({ id }) => id);
  const rest = { action: "unchanged", desired: serving.length, hash: hashOf(sample.revision), image, beside } as const;
  return [{ service, name, goal, dependsOn, current: serving, handOver: { networks: [], cuts: [] }, ...rest }];
}

function dependenciesAmong({ state, project }: Planning, name: string): string[] {
  const byName = new Map(Object.entries(state.options.services).map(([service, one]) => [one.name, service]));
  return Object.keys(project.services[name]?.depends_on ?? {}).flatMap((one) => byName.get(one) ?? []);
}

/**
 * Where texts that are copied into the containers can only be had from the files as they are now, the containers are not
 * quite those of then, and don't pass for them.
 */
function hashThen({ project, state }: Planning, name: string, hash: string): string {
  const files = filesToCopy(project, name, { ...state.options.env });
  return files.length === 0 ? hash : shortDigest(digestOf({ hash, files }));
}

function findingsThen(plan: PlanContents, then: readonly Then[]): Finding[] {
  return plan.services.flatMap((one) => {
    const was = then.find(({ service }) => service === one.service);
    if (was === undefined || one.action === "remove" || one.action === "unchanged") return [];
    return [...foreignThen(one, was), ...boundThen(one, plan), ...filesOfNow(one, plan), ...scaleNow(one, was)];
  });
}

/** What was changed by hand after the deployment and before the next is what the snapshot holds. */
function foreignThen(one: PlannedService, was: Then): Finding[] {
  if (was.containers.every((container) => containerOf(container).scope !== undefined)) return [];
  const message = "its containers were not made by Belay then: that is what comes back, whoever made it";
  return [{ level: "warn", check: "drifted", service: one.service, message }];
}

function boundThen(one: PlannedService, plan: PlanContents): Finding[] {
  const { network_mode = "", volumes_from = [] } = plan.project.services[one.name] ?? {};
  const bound = network_mode.startsWith("container:") ? [network_mode, ...volumes_from] : volumes_from;
  if (bound.length === 0) return [];
  const message = `its containers were bound to other containers of then (${bound.join(", ")}), which may be gone`;
  const remedy = "Deploy the release again instead.";
  return [{ level: "refuse", check: "bound_to_container", service: one.service, message, remedy }];
}

function filesOfNow(one: PlannedService, { project, models }: PlanContents): Finding[] {
  const service = project.services[one.name] ?? {};
  const uses = (["configs", "secrets"] as const).flatMap((of) => (service[of] ?? []).map((use) => ({ ...use, of })));
  if (uses.length === 0) return [];
  const gone = uses.filter(({ of, source }) => !isCopied(project[of]?.[source])).map(({ source }) => source);
  const known = models?.get(one.name)?.files !== undefined;
  const why = known ? "no value of a secret is kept" : "what was copied into its containers then was not noted";
  const names = uses.map(({ source }) => source).join(", ");
  const message = `its configs and secrets (${names}) are those of the files now, not those of then: ${why}`;
  const now: Finding = { level: "warn", check: "files_of_now", service: one.service, message };
  if (!known || gone.length === 0) return [now];
  const missing = `its containers had ${gone.join(", ")}, which the compose files no longer define so`;
  const remedy = "Define them again, or deploy the release again.";
  return [now, { level: "refuse", check: "secret_missing", service: one.service, message: missing, remedy }];
}

function scaleNow(one: PlannedService, was: Then): Finding[] {
  if (one.action === "unchanged" || one.desired <= was.containers.length) return [];
  const message = `${was.containers.length} ran then and ${one.desired} run now: ${one.desired} will run`;
  return [{ level: "warn", check: "scale_kept", service: one.service, message }];
}

async function digestsThen(
  state: TargetState,
  one: PlannedService,
  models: ReadonlyMap<string, Model>,
): Promise<readonly Digest[]> {
  const id = models.get(one.name)?.inspect.Image ?? one.current.at(-1)?.inspect.Image;
  const known = id === undefined ? [] : await state.images.digests(id);
  const pinned = one.image.split("@")[1] ?? "";
  return isDigest(pinned) && !known.includes(pinned) ? [pinned, ...known] : known;
}
