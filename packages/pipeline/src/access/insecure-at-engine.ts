import { insecureRegistries } from "@belay/registry";
import type { PipelineContext } from "../run/context.ts";

/**
 * Whether this machine's engine lets a registry (`host:port`) speak plain HTTP; where there is no engine, only one on loopback
 * may. It is asked once, at the first question.
 */
export function insecureAtEngine(context: PipelineContext): (registry: string) => Promise<boolean> {
  let rule: Promise<ReturnType<typeof insecureRegistries>> | undefined;
  return async (registry) => {
    rule ??= askEngine(context);
    return (await rule)(registry);
  };
}

async function askEngine({ redactor, signal, clock, log }: PipelineContext) {
  const { connectDocker } = await import("@belay/docker");
  try {
    await using undo = new AsyncDisposableStack();
    const docker = undo.adopt(await connectDocker({ redactor, signal, clock }), (one) => one.close());
    return insecureRegistries(await docker.info({ signal }));
  } catch (error) {
    signal.throwIfAborted();
    log.debug(`no engine tells which registries are insecure: ${String(error)}`);
    return insecureRegistries();
  }
}
