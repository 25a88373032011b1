import { makeBaseImages } from "./make-base-images.ts";
import { useEngine } from "./use-engine.ts";

/**
 * For vitest's `globalSetup`: one engine with the base images for the whole run. Every `useEngine` in it finds that engine
 * by the environment, which the workers inherit. Returns what ends it.
 */
export async function shareEngine(): Promise<() => Promise<void>> {
  const engine = await useEngine({ buildx: true });
  await makeBaseImages(engine);
  process.env.BELAY_TEST_ENGINE = engine.host;
  return () => engine.stop();
}
