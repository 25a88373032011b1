import type { Plan, RolloutPolicy } from "@belay/core";
import { dependencyOrder, LABELS } from "@belay/core";
import type { Service, ServiceSpec } from "@belay/docker";
import { digestsIn } from "../observe/translate-task.ts";
import { ImageBook } from "../plan/image-book.ts";
import { isOfScope, labelledDeployment, learnNames, planOf, STACK_LABEL } from "../plan/make-plan.ts";
import type { PlannedService } from "../plan/plan-detail.ts";
import { planOne, removalOf, type SwarmNow } from "../plan/plan-services.ts";
import { readSwarm } from "../plan/read-swarm.ts";
import { foreignLabels, type NetworkNames } from "../spec/normal-spec.ts";
import { goalOf, withReplicas } from "../spec/service-mode.ts";
import { decodeSnapshot, type ServiceSnapshot } from "../spec/snapshot.ts";
import type { TargetState } from "../target-state.ts";

/** The plan of going back to what ran when these snapshots were taken, oldest first. Changes nothing. */
export async function makeRestorationPlan(
  state: TargetState,
  snapshots: readonly Uint8Array[],
  policy: RolloutPolicy,
): Promise<Plan> {
  const taken = snapshots.map(decodeSnapshot);
  // The first one that has a service counts.
  const then = new Map(taken.toReversed().flatMap(({ services }) => services.map((one) => [one.name, one] as const)));
  const [existing, nodes] = await Promise.all([state.directory.all(), state.docker.nodes.list()]);
  learnNames(state, existing);
  const isOwn = (service: Service): boolean => then.has(service.Spec.Name) || isApplications(state, service);
  const now = await readSwarm(state, existing, nodes, isOwn);
  // Of a network that was made anew in between, any will do: they go by their names.
  const networks = [...new Map(taken.flatMap((one) => one.networks).map((one) => [one.body.Name, one])).values()];
  const names = new Map(taken.flatMap((one) => one.networks).map(({ id, body }) => [id, body.Name]));
  const back = [...then.values()].flatMap((was) => planBack(now, was, names));
  const rest = now.services.filter((one) => isApplications(state, one) && !then.has(one.Spec.Name));
  const services = [
    ...dependencyOrder([
      ...back.filter(({ action }) => action !== "remove"),
      ...rest.map((one) => unchanged(state, now, one)),
    ]),
    ...back.filter(({ action }) => action === "remove"),
  ];
  const contents = { services, networks, labelledDeployment: labelledDeployment(state, now.services) };
  return planOf(state, contents, {
    policy,
    nodes,
    existing,
    images: new ImageBook(state, nodes),
    platforms: {},
  });
}

function isApplications(state: TargetState, service: Service): boolean {
  const { options } = state;
  if (options.stack !== undefined) {
    return isOfScope(state, service) || service.Spec.Labels?.[STACK_LABEL] === options.scope.project;
  }
  return Object.keys(options.services).some((one) => state.nameOf(one) === service.Spec.Name);
}

function planBack(now: SwarmNow, was: ServiceSnapshot, networks: NetworkNames): PlannedService[] {
  const current = now.services.find(({ Spec }) => Spec.Name === was.name);
  if (was.spec === undefined) return current === undefined ? [] : [removalOf(now, current)];
  const { service, name, goal, dependsOn, image } = was;
  const spec = byNames(was.spec, networks);
  const draft = (live: ServiceSpec | undefined): ServiceSpec => specThen(spec, live);
  return [
    planOne(now, {
      service,
      name,
      goal,
      dependsOn,
      ...(current && { current }),
      image,
      digests: digestsIn(image),
      draft,
    }),
  ];
}

/** Ids of networks change when these are made again. */
function byNames(spec: ServiceSpec, networks: NetworkNames): ServiceSpec {
  const { Networks } = spec.TaskTemplate;
  if (Networks == null) return spec;
  const named = Networks.map((one) => ({ ...one, Target: networks.get(one.Target) ?? one.Target }));
  return { ...spec, TaskTemplate: { ...spec.TaskTemplate, Networks: named } };
}

/** The old spec, its scale as it is now. Labels of Belay are written anew. */
function specThen(spec: ServiceSpec, live: ServiceSpec | undefined): ServiceSpec {
  const then = { ...spec, Labels: foreignLabels(spec.Labels) };
  const replicas = live?.Mode?.Replicated?.Replicas;
  return replicas === undefined ? then : withReplicas(then, replicas);
}

function unchanged(state: TargetState, now: SwarmNow, current: Service): PlannedService {
  const { Spec } = current;
  const service = serviceOf(state, Spec);
  const image = Spec.TaskTemplate.ContainerSpec?.Image ?? "";
  const goal = goalOf(Spec);
  const draft = (live: ServiceSpec | undefined): ServiceSpec => live ?? Spec;
  const rest = { service, name: Spec.Name, goal, dependsOn: [], current, image, digests: digestsIn(image), draft };
  return { ...planOne(now, rest), action: "unchanged" };
}

/** Name in belay.yaml: the label says it, or the settings do. */
export function serviceOf(state: TargetState, { Name, Labels }: ServiceSpec): string {
  const named = Object.keys(state.options.services).find((one) => state.nameOf(one) === Name);
  return named ?? Labels?.[LABELS.service] ?? Name.replace(`${state.options.scope.project}_`, "");
}
