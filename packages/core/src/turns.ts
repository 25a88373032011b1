import { AsyncLocalStorage } from "node:async_hooks";

interface Turn {
  /** What it has said while another one was being shown. */
  readonly kept: string[];
  readonly open: string;
  ended: boolean;
}

/**
 * Shows groups that run side by side one after the other, in the order in which they began: the first as it goes, so that
 * there is always something to see, the others' lines when it has ended, urgent ones at once. Frames of groups can't overlap: a runner of
 * GitHub ends a group where the next one begins.
 */
export class Turns {
  readonly #current = new AsyncLocalStorage<Turn>();
  readonly #write: (text: string) => void;
  readonly #close: string;
  /** The first one is shown. */
  readonly #queue: Turn[] = [];

  constructor(write: (text: string) => void, close: string) {
    this.#write = write;
    this.#close = close;
  }

  /** Whether the caller runs in a group that takes its turn. */
  get inside(): boolean {
    return this.#current.getStore()?.ended === false;
  }

  /**
   * Writes a line of the group that the caller runs in when it is that group's turn; at once when there is none, or when it is
   * `urgent`: what waits is lost with a process that is killed.
   */
  put(text: string, urgent = false): void {
    const turn = this.#current.getStore();
    if (urgent || turn === undefined || turn.ended || turn === this.#queue[0]) this.#write(text);
    else turn.kept.push(text);
  }

  async run<T>(open: string, work: () => Promise<T>): Promise<T> {
    const turn: Turn = { open, kept: [], ended: false };
    this.#queue.push(turn);
    if (turn === this.#queue[0]) this.#write(open);
    try {
      return await this.#current.run(turn, work);
    } finally {
      turn.ended = true;
      if (turn === this.#queue[0]) this.#next();
    }
  }

  /** Closes the group that is shown, and shows those after it: whole ones, and the first that goes on. */
  #next(): void {
    do {
      this.#queue.shift();
      this.#write(this.#close);
      const [next] = this.#queue;
      if (next === undefined) return;
      this.#write(next.open);
      for (const text of next.kept.splice(0)) this.#write(text);
    } while (this.#queue[0]?.ended === true);
  }
}
