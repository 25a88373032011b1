import { type LogLine, type LogOptions, readLogsAt } from "./container-logs.ts";
import type { CallOptions, EngineHttp } from "./engine-http.ts";
import type { Filters } from "./engine-types.ts";
import type { Task } from "./swarm-types.ts";

export interface TaskQuery {
  readonly filters?: Filters;
  /** What is kept of tasks between two lists. One that it has in the version that is listed need not be read. */
  readonly kept?: KeptTasks;
}

export interface KeptTasks {
  find(id: string, version: number): Task | undefined;
  /** What the list shall have in this task's place. */
  keep(task: Task): Task;
}

/** Tasks of a swarm. */
export interface Tasks {
  /** Those that have ended, too, as far as the swarm keeps them (`TaskHistoryRetentionLimit`, 5 per slot). */
  list(query?: TaskQuery, options?: CallOptions): Promise<Task[]>;
  inspect(id: string, options?: CallOptions): Promise<Task>;
  /** The last lines, wherever the task runs, redacted and bounded. The manager asks its node for them. */
  logs(id: string, query?: LogOptions, options?: CallOptions): Promise<readonly LogLine[]>;
}

export function tasksOf(http: EngineHttp): Tasks {
  const at = (id: string, rest = ""): string => `/tasks/${encodeURIComponent(id)}${rest}`;
  const inspect: Tasks["inspect"] = (id, options) =>
    http.json({ doing: `inspecting the task ${id}`, path: at(id), ...options });
  return {
    list: ({ filters, kept } = {}, options) =>
      http.list({ doing: "listing the tasks", path: "/tasks", query: { filters }, ...options }, (text) =>
        kept === undefined ? JSON.parse(text) : taken(text, kept),
      ),
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

/** The engine writes an object's id and version first (moby, `api/types/swarm`, `Task` and `Meta`). */
const HEAD = /^\{"ID":"([^"\\]+)","Version":\{"Index":(\d+)\}/;

function taken(text: string, kept: KeptTasks): Task {
  const [, id = "", version = ""] = HEAD.exec(text) ?? [];
  return kept.find(id, Number(version)) ?? kept.keep(JSON.parse(text));
}
