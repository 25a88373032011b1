import { LABELS, type Log } from "@belay/core";
import { isOutOfSequence, type Service, type SwarmFile } from "@belay/docker";
import { type Clear, type KeptFiles, UNUSED_SINCE } from "../desired.ts";
import type { FileKind } from "./file-object.ts";
import { type Client, deploymentOf, filesOf, removeQuietly } from "./stack-resources.ts";

export interface TidyScope {
  /** Hash of the scope, as on its resources. */
  readonly scope: string;
  /** Names of networks that the files use now: a service that is not there yet may need them. */
  readonly networks: ReadonlySet<string>;
  readonly log: Log;
  readonly clear: Clear;
}

/** See `DesiredStack.tidy`. */
export async function tidyResources(
  docker: Client,
  { scope, networks, log, clear }: TidyScope,
  kept: KeptFiles,
  signal: AbortSignal,
): Promise<void> {
  const filters = { label: [`${LABELS.scope}=${scope}`] };
  const [services, configs, secrets, ownNetworks] = await Promise.all([
    docker.services.list({}, { signal }),
    filesOf(docker, "config").list({ filters }, { signal }),
    filesOf(docker, "secret").list({ filters }, { signal }),
    docker.networks.list({ filters }, { signal }),
  ]);
  for (const [kind, own] of [["config", configs] as const, ["secret", secrets] as const]) {
    const used = filesUsed(services, kind);
    for (const file of own.filter((one) => deploymentOf(one.Spec) !== undefined)) {
      await clear(kind, file.Spec.Name, () => tidyFile(docker, kind, file, used, kept, log, signal));
    }
  }
  const usedNetworks = networksUsed(services);
  for (const { Id, Name } of ownNetworks.filter((one) => deploymentOf(one) !== undefined)) {
    if (networks.has(Name) || usedNetworks.has(Id) || usedNetworks.has(Name)) continue;
    const remove = (): Promise<void> => docker.networks.remove(Id, { signal });
    await clear("network", Name, () => removeQuietly(`the network ${Name}`, remove, log));
  }
}

async function tidyFile(
  docker: Client,
  kind: FileKind,
  file: SwarmFile,
  used: ReadonlySet<string>,
  kept: KeptFiles,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const api = filesOf(docker, kind);
  const { [UNUSED_SINCE]: since, ...labels } = file.Spec.Labels ?? {};
  if (used.has(file.ID)) {
    if (since !== undefined) await relabel(() => api.relabel(file, labels, { signal }));
  } else if (since === undefined) {
    await relabel(() => api.relabel(file, { ...labels, [UNUSED_SINCE]: String(kept.deployment) }, { signal }));
  } else if (Number(since) < kept.oldestKept) {
    await removeQuietly(`the ${kind} ${file.Spec.Name}`, () => api.remove(file.ID, { signal }), log);
  }
}

/** Somebody else labelled it in between: the next tidying sees what came of it. */
async function relabel(change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (!isOutOfSequence(error)) throw error;
  }
}

/** Ids of what any service of the swarm uses, or used before its last change: its `PreviousSpec` can be gone back to. */
function filesUsed(services: readonly Service[], kind: FileKind): ReadonlySet<string> {
  const ids = services.flatMap(({ Spec, PreviousSpec }) =>
    [Spec, PreviousSpec].flatMap((spec) => {
      const container = spec?.TaskTemplate.ContainerSpec;
      return kind === "config"
        ? (container?.Configs ?? []).map(({ ConfigID }) => ConfigID)
        : (container?.Secrets ?? []).map(({ SecretID }) => SecretID);
    }),
  );
  return new Set(ids);
}

/** Ids or names. */
function networksUsed(services: readonly Service[]): ReadonlySet<string> {
  const attachments = services.flatMap(({ Spec, PreviousSpec }) => [
    ...(Spec.TaskTemplate.Networks ?? []),
    ...(PreviousSpec?.TaskTemplate.Networks ?? []),
  ]);
  return new Set(attachments.map(({ Target }) => Target));
}
