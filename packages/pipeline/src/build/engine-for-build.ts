import { type BelayError, isBelayError, type Log } from "@belay/core";
import type { Docker, EngineInfo } from "@belay/docker";
import type { ImageEngine } from "@belay/images";
import type { EngineOnDemand } from "../access/engine-on-demand.ts";

export interface EngineForBuild {
  /** Missing where none answers. */
  readonly docker?: Docker;
  /** Always there: without an engine, the first question to it is answered by why there is none. */
  readonly engine: ImageEngine;
}

/**
 * Connects to the engine of this run. A builder of its own (in a cluster, on another machine) needs none, and which builder
 * there is turns out later: so that no engine is a failure only for whoever asks it.
 * @throws BelayError as `connectDocker` does, for everything but an engine that is not there or may not be used
 */
export async function engineForBuild(onDemand: EngineOnDemand, log: Log): Promise<EngineForBuild> {
  try {
    const docker = askedOnce(await onDemand.connect());
    return { docker, engine: docker };
  } catch (error) {
    if (!isBelayError(error, "ENGINE_UNREACHABLE", "ENGINE_FORBIDDEN")) throw error;
    log.debug(`no engine is at hand: ${error.message}`);
    return { engine: withoutEngine(error) };
  }
}

/** A build has several questions that the same answer is for, which takes an engine 10 ms and more each time. */
function askedOnce(docker: Docker): Docker {
  let info: Promise<EngineInfo> | undefined;
  return {
    ...docker,
    info: (options) => {
      info ??= docker.info(options);
      return info;
    },
  };
}

function withoutEngine(error: BelayError): ImageEngine {
  const refuse = async (): Promise<never> => {
    throw error;
  };
  return { images: { inspect: refuse, tag: refuse, save: refuse }, info: refuse };
}
