import { type ChangeGate, startChangeGate } from "./change-gate.ts";
import type { TargetOpener } from "./target-opener.ts";

export interface Gated extends AsyncDisposable {
  readonly gate: ChangeGate;
  readonly opener: TargetOpener;
}

/** The same target of a Docker engine, with a gate on the way to the engine. */
export async function throughGate({ module, settings }: TargetOpener): Promise<Gated> {
  const { env, ...rest } = settings as { readonly env: Readonly<Record<string, string>> };
  const path = (env.DOCKER_HOST ?? "").slice("unix://".length);
  const gate = await startChangeGate({ path });
  const opener = { module, settings: { ...rest, env: { ...env, DOCKER_HOST: `tcp://127.0.0.1:${gate.port}` } } };
  return { gate, opener, [Symbol.asyncDispose]: () => gate[Symbol.asyncDispose]() };
}
