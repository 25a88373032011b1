import { messageOf, oneLine, tail } from "@belay/core";
import { isNotFound } from "@belay/docker";
import type { ComposeContainer } from "../containers/compose-container.ts";
import type { TargetState } from "../target-state.ts";

const LOG_LINES = 50;
/**
 * Containers whose last words are kept: those that died last. When more die in one moment, the logs of the first ones are
 * read: more than that nobody is shown.
 */
const KEPT = 20;

/** The end of a container's log, redacted, and why there is none. */
export interface Words {
  readonly lines: readonly string[];
  readonly unknown: readonly string[];
}

/**
 * What containers wrote last, read at the moment of their end: an engine that starts one again does not hand out its log
 * until it has, and then the next process writes into it too.
 */
export class LastWords {
  readonly #state: TargetState;
  readonly #words = new Map<string, Promise<Words | undefined>>();
  #reading = 0;

  constructor(state: TargetState) {
    this.#state = state;
  }

  /** A container of the project has ended by itself. */
  take(id: string): void {
    const container = this.#state.watch.known(id);
    // What was kept of an earlier end is not its last any more.
    this.#words.delete(id);
    if (container === undefined || this.#reading >= KEPT) return;
    this.#words.set(id, this.#read(container));
    const [oldest] = this.#words.keys();
    if (this.#words.size > KEPT && oldest !== undefined) this.#words.delete(oldest);
  }

  /** Whoever needs them reads again where this fails. */
  async #read(container: ComposeContainer): Promise<Words | undefined> {
    this.#reading++;
    try {
      return await readLog(this.#state, container);
    } catch {
      return undefined;
    } finally {
      this.#reading--;
    }
  }

  /** @throws the signal's reason */
  async of(container: ComposeContainer, signal: AbortSignal): Promise<Words> {
    const taken = await this.#words.get(container.id);
    signal.throwIfAborted();
    if (taken !== undefined && taken.lines.length > 0) return taken;
    return readLog(this.#state, container, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      // Some logging drivers can't be read back; the container may have been removed by somebody.
      const why = isNotFound(error) ? "the container is gone" : oneLine(messageOf(error), 200);
      return { lines: [], unknown: [`its log could not be read: ${why}`] };
    });
  }
}

async function readLog(
  { docker, options }: TargetState,
  { id, inspect }: ComposeContainer,
  signal?: AbortSignal,
): Promise<Words> {
  const query = { tail: LOG_LINES, tty: inspect.Config.Tty === true };
  const lines = await docker.containers.logs(id, query, signal === undefined ? {} : { signal });
  const texts = lines.flatMap(({ text }) => tail(text, 1));
  return { lines: texts.map((text) => options.redactor.redact(text)), unknown: [] };
}
