import { type LogLine, type LogOptions, readLogsAt } from "./container-logs.ts";
import type { CallOptions, EngineHttp } from "./engine-http.ts";
import type { Filters } from "./engine-types.ts";
import type { Task } from "./swarm-types.ts";

/** Tasks of a swarm. */
export interface Tasks {
  /** Those that have ended, too, as far as the swarm keeps them (`TaskHistoryRetentionLimit`, 5 per slot). */
  list(query?: { readonly filters?: Filters }, options?: CallOptions): Promise<Task[]>;
  inspect(id: string, options?: CallOptions): Promise<Task>;
  /** The last lines, wherever the task runs, redacted and bounded. The manager asks its node for them. */
  logs(id: string, query?: LogOptions, options?: CallOptions): Promise<readonly LogLine[]>;
}

export function tasksOf(http: EngineHttp): Tasks {
  const at = (id: string, rest = ""): string => `/tasks/${encodeURIComponent(id)}${rest}`;
  const inspect: Tasks["inspect"] = (id, options) =>
    http.json({ doing: `inspecting the task ${id}`, path: at(id), ...options });
  return {
    list: (query = {}, options) =>
      http.json({ doing: "listing the tasks", path: "/tasks", query: { filters: query.filters }, ...options }),
    inspect,
    logs: (id, query = {}, options = {}) => {
      const tty = async (call: CallOptions) => (await inspect(id, call)).Spec.ContainerSpec?.TTY === true;
      return readLogsAt(
        http,
        { doing: `reading the log of the task ${id}`, path: at(id, "/logs"), tty },
        query,
        options,
      );
    },
  };
}
