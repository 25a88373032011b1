import { type BelayError, isBelayError } from "@belay/core";
import type { Docker } from "@belay/docker";
import type { ImageEngine } from "@belay/images";
import type { PipelineContext } from "./context.ts";

export interface EngineForBuild {
  /** Missing where none answers. */
  readonly docker?: Docker;
  /** Always there: without an engine, the first question to it is answered by why there is none. */
  readonly engine: ImageEngine;
  close(): Promise<void>;
}

/**
 * Connects to the engine of this run. A builder of its own (in a cluster, on another machine) needs none, and which builder
 * there is turns out later: so that no engine is a failure only for whoever asks it.
 * @throws BelayError as `connectDocker` does, for everything but an engine that is not there or may not be used
 */
export async function engineForBuild({ redactor, signal, clock, log }: PipelineContext): Promise<EngineForBuild> {
  const { connectDocker } = await import("@belay/docker");
  try {
    const docker = await connectDocker({ redactor, signal, clock });
    return { docker, engine: docker, close: () => docker.close() };
  } catch (error) {
    if (!isBelayError(error, "ENGINE_UNREACHABLE", "ENGINE_FORBIDDEN")) throw error;
    log.debug(`no engine is at hand: ${error.message}`);
    return { engine: withoutEngine(error), close: async () => undefined };
  }
}

function withoutEngine(error: BelayError): ImageEngine {
  const refuse = async (): Promise<never> => {
    throw error;
  };
  return { images: { inspect: refuse, tag: refuse, save: refuse }, info: refuse };
}
