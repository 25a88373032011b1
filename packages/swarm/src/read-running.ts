import { mapBounded, type RunningService } from "@belay/core";
import { isNotFound, type Service, type SwarmNode, type Task } from "@belay/docker";
import { tasksOf } from "./observe/observe-services.ts";
import { digestsIn } from "./observe/translate-task.ts";
import { isOfScope, learnNames, STACK_LABEL } from "./plan/make-plan.ts";
import { countReady } from "./plan/read-swarm.ts";
import { eligibleNodes } from "./spec/eligible-nodes.ts";
import { readLabels } from "./spec/service-labels.ts";
import { wantedTasks } from "./spec/service-mode.ts";
import type { TargetState } from "./target-state.ts";
import { serviceOf } from "./way-back/make-restoration-plan.ts";

/** Requests at a time. */
const AT_ONCE = 8;

/** What runs of the application's services, read now. A service that does not exist is left out. */
export async function readRunning(state: TargetState): Promise<readonly RunningService[]> {
  const services = await ownServices(state);
  const anywhere = services.some(({ Spec }) => wantedTasks(Spec) === undefined);
  const [listed, nodes, commits] = await Promise.all([
    tasksOf(state, services),
    anywhere ? state.docker.nodes.list() : [],
    labelledCommits(state, services),
  ]);
  const tasks = Map.groupBy(listed, ({ ServiceID }) => ServiceID);
  return services.map((one) => summarise(state, one, tasks.get(one.ID) ?? [], { nodes, commits }));
}

/** The application's services on the engine. */
export async function ownServices(state: TargetState): Promise<readonly Service[]> {
  const { options } = state;
  const existing = await state.directory.all();
  learnNames(state, existing);
  const names = new Set(Object.keys(options.services).map((one) => state.nameOf(one)));
  return existing.filter((service) => {
    const ofStack = options.stack !== undefined && service.Spec.Labels?.[STACK_LABEL] === options.scope.project;
    return names.has(service.Spec.Name) || isOfScope(state, service) || ofStack;
  });
}

interface Surroundings {
  readonly nodes: readonly SwarmNode[];
  /** By image. */
  readonly commits: ReadonlyMap<string, string | undefined>;
}

function summarise(
  state: TargetState,
  service: Service,
  tasks: readonly Task[],
  { nodes, commits }: Surroundings,
): RunningService {
  const { Spec } = service;
  const image = Spec.TaskTemplate.ContainerSpec?.Image ?? "";
  const { deployment, release, scope } = readLabels(Spec);
  const revision = state.revisionInForce(service);
  const own = tasks.filter((task) => state.revisionOfTask(task) === revision && task.Status.State === "running");
  const since = own.map(({ CreatedAt }) => Date.parse(CreatedAt));
  const commit = commits.get(image);
  const ours = scope !== undefined && isOfScope(state, service);
  return {
    service: serviceOf(state, Spec),
    name: Spec.Name,
    revision,
    image,
    digests: digestsIn(image),
    ready: countReady(state, service, tasks),
    desired: wantedTasks(Spec) ?? eligibleNodes(Spec, nodes).length,
    ...(deployment === undefined || !ours ? {} : { deployment }),
    ...(release === undefined || !ours ? {} : { release }),
    ...(since.length === 0 ? {} : { since: new Date(Math.max(...since)).toISOString() }),
    ...(commit === undefined ? {} : { labelledCommit: commit }),
  };
}

/** Each image is asked for once. */
async function labelledCommits(
  state: TargetState,
  services: readonly Service[],
): Promise<ReadonlyMap<string, string | undefined>> {
  const images = new Set(services.map(({ Spec }) => Spec.TaskTemplate.ContainerSpec?.Image ?? ""));
  return new Map(
    await mapBounded([...images], AT_ONCE, undefined, async (image) => [image, await labelledCommit(state, image)]),
  );
}

/** Only when this node has the image. */
async function labelledCommit({ docker }: TargetState, image: string): Promise<string | undefined> {
  if (image === "") return undefined;
  try {
    return (await docker.images.inspect(image)).Config?.Labels?.["org.opencontainers.image.revision"];
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
