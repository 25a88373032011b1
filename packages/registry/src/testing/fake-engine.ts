import type { Digest } from "@belay/core";
import { EngineError } from "@belay/docker";
import type { PushEngine } from "../push-release.ts";

export interface FakeEngine extends PushEngine {
  /** May be replaced by what does more. */
  images: PushEngine["images"];
  /** References that were pushed, each try. */
  readonly pushes: string[];
  /** Image ids that the engine has, and what a push of each does at the registry. */
  readonly local: Map<Digest, (reference: string) => void>;
  /** What the engine says of each push that fails, first to last. */
  readonly failures: string[];
}

/** An engine with images that pushes them at once, or fails as it is told. */
export function fakeEngine(): FakeEngine {
  const names = new Map<string, Digest>();
  const fail = (status: number, message: string): EngineError =>
    new EngineError("ENGINE_ERROR", status, message, { doing: "pushing", got: message });
  const engine: FakeEngine = {
    pushes: [],
    local: new Map(),
    failures: [],
    images: {
      tag: async (source, target) => {
        if (!engine.local.has(source as Digest)) throw fail(404, `No such image: ${source}`);
        names.set(target, source as Digest);
      },
      push: async (reference, options) => {
        engine.pushes.push(reference);
        options?.onProgress?.({ id: "layer", status: "Pushing" });
        const failure = engine.failures.shift();
        if (failure !== undefined) throw fail(0, failure);
        const id = names.get(reference);
        if (id === undefined) throw fail(404, "no such image");
        engine.local.get(id)?.(reference);
        return { digest: undefined };
      },
    },
  };
  return engine;
}
