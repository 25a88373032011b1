import { LABELS, type Log } from "@belay/core";
import {
  type Docker,
  EngineError,
  isConflict,
  isNotFound,
  type NetworkCreateBody,
  type SwarmFile,
} from "@belay/docker";
import type { FileKind, FileObject } from "./file-object.ts";
import { STACK_LABEL } from "./stack-document.ts";

export type Client = Pick<Docker, "networks" | "configs" | "secrets" | "services">;

/** What a stack needs beside its services, each created if it is not there. */
export interface StackResources {
  readonly networks: readonly NetworkCreateBody[];
  /** Without the external ones. */
  readonly files: readonly FileObject[];
}

/** Creates what is not there; somebody else who made the same in between is no error. Never changes what is there. */
export async function createResources(
  docker: Client,
  resources: StackResources,
  labels: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  for (const body of resources.networks) {
    const create = () => docker.networks.create({ ...body, Labels: { ...body.Labels, ...labels } }, { signal });
    await unlessThere(create, async () => {
      const there = await docker.networks.list({ filters: { name: [body.Name] } }, { signal });
      return there.some((one) => one.Name === body.Name && one.Labels?.[STACK_LABEL] === body.Labels?.[STACK_LABEL]);
    });
  }
  for (const { kind, body } of resources.files) {
    if (body === undefined) continue;
    const api = filesOf(docker, kind);
    const create = () => api.create({ ...body, Labels: { ...body.Labels, ...labels } }, { signal });
    await unlessThere(create, async () => sameContent(await api.inspect(body.Name, { signal }), body.Data));
  }
}

/** A config's or secret's hash is in its name; of configs the engine shows the content too. */
export function sameContent(there: SwarmFile, data: Uint8Array): boolean {
  return there.Spec.Data === undefined || Buffer.from(there.Spec.Data, "base64").equals(data);
}

export function filesOf(docker: Client, kind: FileKind): Client["configs"] {
  return kind === "config" ? docker.configs : docker.secrets;
}

async function unlessThere(create: () => Promise<unknown>, isSame: () => Promise<boolean>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!isConflict(error) || !(await isSame())) throw error;
  }
}

/** Whether it is gone now. What is in use is refused by the engine and stays, with a word in the log. */
export async function removeQuietly(what: string, remove: () => Promise<void>, log?: Log): Promise<boolean> {
  try {
    await remove();
    return true;
  } catch (error) {
    if (isNotFound(error)) return true;
    // Engines refuse with 400, 403 or 409, by version and kind.
    if (!(error instanceof EngineError) || error.status < 400 || error.status >= 500) throw error;
    log?.debug(`${what} stays: ${error.engineMessage}`);
    return false;
  }
}

type Labelled = { readonly Labels?: Readonly<Record<string, string>> | null };

/** Deployment number of what Belay made for a stack; `undefined` for ledger records and what others made. */
export function deploymentOf(of: Labelled): number | undefined {
  const labels = of.Labels ?? {};
  if (labels[STACK_LABEL] === undefined || labels[LABELS.record] !== undefined) return undefined;
  const number = Number(labels[LABELS.deployment]);
  return Number.isInteger(number) ? number : undefined;
}
