import { BelayError, type DeploymentContext, type LeftBehind, scopeHash } from "@belay/core";
import type { ComposeContainer } from "../containers/compose-container.ts";
import { changeNames } from "../containers/container-changes.ts";
import { resourceName } from "../files/compose-project.ts";
import { filesToCopy, packFiles } from "../files/injected-files.ts";
import { filesLabel, textsOf } from "../files/kept-files.ts";
import { addLabels, belayLabels, keepResources } from "../files/pinned-project.ts";
import type { PlanContents, PlannedService } from "../plan/plan-detail.ts";
import type { TargetState } from "../target-state.ts";
import { createLike } from "./create-like.ts";
import { createUnderName } from "./create-under-name.ts";

/** What carrying out a plan needs, wherever it is. */
export interface Work {
  readonly state: TargetState;
  readonly plan: PlanContents;
  readonly context: DeploymentContext;
  readonly left: LeftBehind;
}

/** Containers of the service that this deployment made. */
export function madeNow(work: Work, one: PlannedService, containers: readonly ComposeContainer[]): ComposeContainer[] {
  const scope = scopeHash(work.state.options.scope);
  return containers.filter(
    (container) =>
      container.service === one.name && container.scope === scope && container.deployment === work.context.deployment,
  );
}

/** Containers of the service that were there before this deployment. */
export function madeBefore(
  work: Work,
  one: PlannedService,
  containers: readonly ComposeContainer[],
): ComposeContainer[] {
  const now = new Set(madeNow(work, one, containers));
  return containers.filter((container) => container.service === one.name && !now.has(container));
}

export function readServices(
  work: Work,
  services: readonly PlannedService[],
  signal: AbortSignal,
): Promise<ComposeContainer[]> {
  return work.state.watch.read(new Set(services.map((one) => one.name)), "listed", signal);
}

/** Makes the missing containers of the deployment. What an earlier try has made already is counted. */
export async function createMissing(
  work: Work,
  services: readonly PlannedService[],
  signal: AbortSignal,
): Promise<ComposeContainer[]> {
  const before = await readServices(work, services, signal);
  const project = await projectToCreate(work, services);
  const scale: Record<string, number> = {};
  for (const one of services) {
    const missing = one.desired - madeNow(work, one, before).length;
    if (missing <= 0) continue;
    const model = work.plan.models?.get(one.name);
    if (model !== undefined) {
      const own = before.filter((container) => container.service === one.name);
      await createLike(work, one, model, { there: own, missing }, signal);
      continue;
    }
    const all = before.filter((container) => container.service === one.name).length;
    if (project.services[one.name]?.container_name !== undefined && all > 0) {
      await createUnderName(work, one, project, all, signal);
    } else {
      scale[one.name] = all + missing;
    }
  }
  if (Object.keys(scale).length > 0) await work.state.cli.create(project, scale, signal);
  const after = await readServices(work, services, signal);
  for (const one of services) requireCount(one, madeNow(work, one, after).length);
  return services.flatMap((one) => madeNow(work, one, after));
}

/** The project with labels on these services, in which nothing that exists is made anew. */
export async function projectToCreate(
  work: Work,
  services: readonly PlannedService[],
): Promise<PlanContents["project"]> {
  const { docker, options } = work.state;
  const [networks, volumes] = await Promise.all([docker.networks.list(), docker.volumes.list()]);
  const existing = {
    networks: new Set(networks.map(({ Name }) => Name)),
    volumes: new Set(volumes.map(({ Name }) => Name)),
  };
  const labels = Object.fromEntries(
    services.map((one) => [
      one.name,
      {
        ...belayLabels(options.scope, one.service, one.hash, work.context),
        ...doubled(filesLabel(work.plan.project, one.name, options.env, options.redactor)),
      },
    ]),
  );
  return keepResources(addLabels(work.plan.project, labels), existing);
}

/** As compose wants it in a document that it reads: it fills `$` in, and `$$` is one. */
function doubled(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, value.replaceAll("$", "$$$$")]));
}

function requireCount(one: PlannedService, made: number): void {
  if (made >= one.desired) return;
  throw new BelayError("ENGINE_ERROR", {
    doing: `creating the new containers of ${one.service}`,
    got: `${made} of ${one.desired} exist afterwards`,
    next: "Somebody else may be changing the same project. Deploy again.",
  });
}

/** Takes the service's names off a container that has not been started yet. */
export async function hideNames(
  work: Work,
  one: PlannedService,
  container: ComposeContainer,
  signal: AbortSignal,
): Promise<void> {
  if (container.inspect.State.Status !== "created") return;
  for (const key of one.handOver.networks) {
    const network = resourceName(work.plan.project, "networks", key);
    await changeNames(work.state, container, network, [container.name], signal);
  }
}

/** Copies in what compose would copy just before the start: configs with `content`, secrets from variables. */
export async function copyFiles(
  work: Work,
  one: PlannedService,
  container: ComposeContainer,
  signal: AbortSignal,
): Promise<void> {
  const { docker, options } = work.state;
  const then = work.plan.models?.get(one.name)?.files ?? [];
  const files = [...textsOf(then), ...filesToCopy(work.plan.project, one.name, { ...options.env })];
  if (files.length > 0) await docker.containers.unpack(container.id, packFiles(files), { signal });
}
