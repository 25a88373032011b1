import type { Docker } from "@belay/docker";
import type { PipelineContext } from "../run/context.ts";

/** Closes the engine of this run when `work` is done, whatever became of it. */
export async function withEngine<T>(
  context: PipelineContext,
  work: (engine: EngineOnDemand) => Promise<T>,
): Promise<T> {
  const engine = new EngineOnDemand(context);
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

/** The engine of this run, which is connected to when it is first asked for. */
export class EngineOnDemand {
  readonly #context: PipelineContext;
  readonly #closed = new AbortController();
  #connecting: Promise<Docker> | undefined;

  constructor(context: PipelineContext) {
    this.#context = context;
  }

  /** @throws BelayError as `connectDocker` does */
  connect(): Promise<Docker> {
    const { redactor, clock } = this.#context;
    const signal = AbortSignal.any([this.#context.signal, this.#closed.signal]);
    this.#connecting ??= import("@belay/docker").then(({ connectDocker }) =>
      connectDocker({ redactor, signal, clock }),
    );
    // Whoever asks hears of a failure, also when it came before that.
    this.#connecting.catch(() => undefined);
    return this.#connecting;
  }

  /** `undefined` where none answers. */
  find(): Promise<Docker | undefined> {
    return this.connect().catch(() => undefined);
  }

  /** Ends the connection, or the connecting, if there is one. */
  async close(): Promise<void> {
    this.#closed.abort();
    if (this.#connecting !== undefined) await (await this.find())?.close();
  }
}
