import { type Exec, type ExecOptions, type ExecResult, runExec } from "./container-exec.ts";
import { type ContainerFile, readContainerFile, unpackInContainer } from "./container-files.ts";
import { type LogLine, type LogOptions, readLogs } from "./container-logs.ts";
import type { CallOptions, EngineHttp, EngineRequest } from "./engine-http.ts";
import { DEFAULT_DEADLINE_MS } from "./engine-http.ts";
import type { ContainerCreateBody, ContainerInspect, ContainerSummary, Filters } from "./engine-types.ts";
import { short } from "./short-id.ts";

export interface ContainerQuery {
  readonly filters?: Filters;
  /** Those that don't run too. Default: true, as nothing should be overlooked. */
  readonly all?: boolean;
  /** What the list shall have in a container's place: of thousands not all need be in memory that the engine says. */
  readonly keep?: (container: ContainerSummary) => ContainerSummary;
}

/** Containers, each named by its id or name. Errors: `isNotFound`, `isConflict`. */
export interface Containers {
  list(query?: ContainerQuery, options?: CallOptions): Promise<ContainerSummary[]>;
  inspect(id: string, options?: CallOptions): Promise<ContainerInspect>;
  /** The new container's id. A taken name is a conflict. */
  create(name: string, body: ContainerCreateBody, options?: CallOptions): Promise<string>;
  /** Starting what runs is no error. */
  start(id: string, options?: CallOptions): Promise<void>;
  /**
   * SIGTERM (or the image's signal), then SIGKILL after `graceSeconds`. Left out, the container's own grace counts: give a
   * deadline then, if it may be more than 10 s. Stopping what does not run is no error.
   */
  stop(id: string, query?: { readonly graceSeconds?: number }, options?: CallOptions): Promise<void>;
  /** The engine answers a SIGKILL when the container has ended, others at once. Killing what does not run is a conflict. */
  kill(id: string, signal: string, options?: CallOptions): Promise<void>;
  /** Never removes volumes, not even anonymous ones. */
  remove(id: string, query?: { readonly force?: boolean }, options?: CallOptions): Promise<void>;
  rename(id: string, name: string, options?: CallOptions): Promise<void>;
  /** The last lines, redacted and bounded. Lines of one stream are in order; between the two there may be none. */
  logs(id: string, query?: LogOptions, options?: CallOptions): Promise<readonly LogLine[]>;
  /**
   * A file in a container, running or not. `undefined` when there is no plain file of at most `limit` bytes at that path.
   */
  readFile(id: string, path: string, limit: number, options?: CallOptions): Promise<ContainerFile | undefined>;
  /** Unpacks a tar archive at the root of a container that may be stopped. */
  unpack(id: string, tar: Uint8Array, options?: CallOptions): Promise<void>;
  /**
   * Runs a command in a running container and waits for its end. When the deadline passes, `TIMED_OUT` is thrown and the
   * command goes on: the engine has no way to end it.
   */
  exec(id: string, command: readonly string[], query?: ExecOptions, options?: CallOptions): Promise<ExecResult>;
}

/** A container that stops needs its grace period, and the engine a moment more. */
const STOP_GRACE_S = 10;

export function containersOf(http: EngineHttp): Containers {
  const act = async (request: EngineRequest): Promise<void> => {
    await http.call({ method: "POST", ...request });
  };
  const exec: Exec = (id, command, query, options) => runExec(http, id, command, query, options);
  return {
    list: ({ filters, all = true, keep } = {}, options) =>
      http.list(
        { doing: "listing the containers", path: "/containers/json", query: { all, filters }, ...options },
        (text) => (keep === undefined ? JSON.parse(text) : keep(JSON.parse(text))),
      ),
    inspect: (id, options) =>
      http.json({ doing: `inspecting the container ${short(id)}`, path: at(id, "/json"), ...options }),
    create: async (name, body, options) => {
      const request = { doing: `creating the container ${name}`, path: "/containers/create", query: { name }, body };
      return (await http.json<{ Id: string }>({ method: "POST", ...request, ...options })).Id;
    },
    start: (id, options) =>
      act({ doing: `starting the container ${short(id)}`, path: at(id, "/start"), lane: "slow", ...options }),
    stop: (id, query = {}, options) =>
      act({
        doing: `stopping the container ${short(id)}`,
        path: at(id, "/stop"),
        query: { t: query.graceSeconds },
        lane: "slow",
        deadlineMs: (query.graceSeconds ?? STOP_GRACE_S) * 1_000 + DEFAULT_DEADLINE_MS,
        ...options,
      }),
    kill: (id, signal, options) =>
      act({
        doing: `sending ${signal} to the container ${short(id)}`,
        path: at(id, "/kill"),
        query: { signal },
        lane: "slow",
        ...options,
      }),
    remove: (id, query = {}, options) =>
      act({
        doing: `removing the container ${short(id)}`,
        method: "DELETE",
        path: at(id, ""),
        query: { force: query.force ?? false, v: false },
        lane: "slow",
        ...options,
      }),
    rename: (id, name, options) =>
      act({
        doing: `renaming the container ${short(id)} to ${name}`,
        path: at(id, "/rename"),
        query: { name },
        ...options,
      }),
    logs: (id, query, options) => readLogs(http, id, query, options),
    readFile: (id, path, limit, options) => readContainerFile(http, id, path, limit, options),
    unpack: (id, tar, options) => unpackInContainer(http, id, tar, options),
    exec,
  };
}

function at(id: string, rest: string): string {
  return `/containers/${encodeURIComponent(id)}${rest}`;
}
