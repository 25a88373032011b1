import { containerOf } from "../containers/compose-container.ts";
import { removeAll } from "../containers/container-changes.ts";
import { recreationOf } from "../containers/creation-body.ts";
import type { ComposeProject } from "../files/compose-project.ts";
import { COMPOSE_LABELS } from "../files/revision.ts";
import type { PlannedService } from "../plan/plan-detail.ts";
import type { Work } from "./create-containers.ts";

/**
 * Makes the one container of a service with a `container_name` while the old one still exists, renamed and stopped.
 * Compose refuses a second container for such a service and finds the old one by labels that can't be changed. So compose
 * makes a model in a project of its own (whose networks and volumes are external, so it makes nothing else), and the real
 * one is made like the model, with the labels of the real project.
 */
export async function createUnderName(
  work: Work,
  one: PlannedService,
  project: ComposeProject,
  existing: number,
  signal: AbortSignal,
): Promise<void> {
  const { docker, options, cli } = work.state;
  const model = modelProject(options.scope.project, String(work.context.deployment));
  const service = project.services[one.name];
  const filter = { label: [`${COMPOSE_LABELS.project}=${model}`] };
  const models = async () => {
    const found = await docker.containers.list({ filters: filter }, { signal });
    return Promise.all(found.map(async ({ Id }) => containerOf(await docker.containers.inspect(Id, { signal }))));
  };
  await removeAll(work.state, await models(), signal);
  await cli.create({ ...project, name: model }, { [one.name]: 1 }, signal, model);
  const [made] = await models();
  if (made === undefined || service === undefined) return;
  const { name, body, connections } = recreationOf(made.inspect, one.image);
  await removeAll(work.state, [made], signal);
  const labels = {
    ...body.Labels,
    [COMPOSE_LABELS.project]: options.scope.project,
    [COMPOSE_LABELS.number]: String(existing + 1),
  };
  const id = await docker.containers.create(name, { ...body, Labels: labels }, { signal });
  for (const { network, endpoint } of connections) await docker.networks.connect(network, id, endpoint, { signal });
}

/** Compose project in which models are made. */
export function modelProject(project: string, deployment: string): string {
  return `${project}-belay-${deployment}`;
}
