import { type ComposeContainer, containerOf } from "../containers/compose-container.ts";
import { recreationOf } from "../containers/creation-body.ts";
import { fixedName, type Model } from "../containers/project-then.ts";
import { usesToCopy } from "../files/injected-files.ts";
import { asReference, FILES_LABEL, labelOf, referenceOf } from "../files/kept-files.ts";
import { belayLabels } from "../files/pinned-project.ts";
import { COMPOSE_LABELS } from "../files/revision.ts";
import type { PlannedService } from "../plan/plan-detail.ts";
import type { Work } from "./create-containers.ts";

/**
 * Makes containers like one of an earlier deployment, under numbers of their own, labelled as this deployment's. Compose
 * could make them only of files that say something else by now. Anonymous volumes are new and empty, as in a deployment.
 */
export async function createLike(
  work: Work,
  one: PlannedService,
  model: Model,
  { there, missing }: { readonly there: readonly ComposeContainer[]; readonly missing: number },
  signal: AbortSignal,
): Promise<void> {
  const { docker, options } = work.state;
  const was = containerOf(model.inspect);
  const fixed = fixedName(options.scope.project, model.inspect);
  const last = Math.max(0, ...there.map((container) => Number(container.number) || 0));
  for (let count = 1; count <= missing; count++) {
    const name = fixed ?? `${options.scope.project}-${one.name}-${last + count}`;
    const { body, connections } = recreationOf(withoutOwn(model, was.name, name), one.image);
    const labels = {
      ...body.Labels,
      [COMPOSE_LABELS.number]: String(last + count),
      ...belayLabels(options.scope, one.service, one.hash, work.context),
      ...filesLabelThen(work, one, model),
    };
    const id = await docker.containers.create(name, { ...body, Labels: labels }, { signal });
    for (const { network, endpoint } of connections) await docker.networks.connect(network, id, endpoint, { signal });
  }
}

/** What is copied in: texts of then, and what of it can only be had from the files as they are now. */
function filesLabelThen({ state, plan }: Work, one: PlannedService, { files = [] }: Model): Record<string, string> {
  const { env, redactor } = state.options;
  const now = usesToCopy(plan.project, one.name, { ...env }).map((use) => referenceOf(use, redactor));
  const then = files.filter(({ text }) => text !== undefined);
  return { [FILES_LABEL]: "[]", ...labelOf([...then.map(asReference), ...now]) };
}

/** What belongs to that one container and not to its service: its name among the aliases, its anonymous volumes. */
function withoutOwn({ inspect }: Model, old: string, name: string): Model["inspect"] {
  const places = Object.entries(inspect.NetworkSettings.Networks).map(([network, endpoint]) => {
    const aliases = (endpoint.Aliases ?? []).map((alias) => (alias === old ? name : alias));
    return [network, { ...endpoint, Aliases: aliases }] as const;
  });
  const networks = { ...inspect.NetworkSettings, Networks: Object.fromEntries(places) };
  return { ...inspect, Mounts: [], NetworkSettings: networks };
}
