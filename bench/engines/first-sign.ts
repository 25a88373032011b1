import { Agent, type IncomingMessage, type RequestOptions, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const LOOK_MS = 50;
/** States that a task does not leave any more (Engine API, `TaskState`). */
const ENDED: ReadonlySet<string> = new Set(["complete", "shutdown", "failed", "rejected", "remove", "orphaned"]);

interface ListedTask {
  readonly ID: string;
  readonly Spec: { readonly ContainerSpec?: { readonly Image?: string } };
  readonly Status: { readonly State: string };
}

/** What is asked of a manager, with nothing of Belay in between. Whatever happens on another node is to be seen there first. */
export class FirstSign {
  readonly #socketPath: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #before: ReadonlySet<string>;

  private constructor(socketPath: string, before: ReadonlySet<string>) {
    this.#socketPath = socketPath;
    this.#before = before;
  }

  /** From now on: tasks that are there already say nothing. */
  static async open(socketPath: string): Promise<FirstSign> {
    const before = await listTasks({ socketPath });
    return new FirstSign(socketPath, new Set(before.map(({ ID }) => ID)));
  }

  /** When the manager first showed that a task of the image has ended, as `performance.now()`; asked for every 50 ms. */
  async of(image: string, signal: AbortSignal): Promise<number> {
    const ask = { socketPath: this.#socketPath, agent: this.#agent, signal };
    try {
      for (;;) {
        const tasks = await listTasks(ask);
        const own = tasks.filter(({ ID, Spec }) => !this.#before.has(ID) && Spec.ContainerSpec?.Image === image);
        if (own.some(({ Status }) => ENDED.has(Status.State))) return performance.now();
        await sleep(LOOK_MS, undefined, { signal });
      }
    } finally {
      this.#agent.destroy();
    }
  }
}

async function listTasks(where: RequestOptions): Promise<readonly ListedTask[]> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request({ ...where, path: "/tasks", headers: { host: "docker" } }, resolve)
    .once("error", reject)
    .end();
  const response = await promise;
  const text = (await response.setEncoding("utf8").toArray()).join("");
  if (response.statusCode !== 200) throw new Error(`the manager answers ${response.statusCode}: ${text}`);
  return JSON.parse(text);
}
