import type { EngineStand } from "../../test/contract/stand.ts";
import { type Figure, median } from "../measure.ts";
import type { BenchEngine } from "./bench-engine.ts";
import { DeployProgram } from "./deploy-program.ts";

const REPLICAS = 3;
const GRACES_S = [1, 10];
/** Of the engine's own time. */
const MOST = 1.3;

/**
 * A crash where old instances end before new ones start, and take all the time they are given for it: that time, and the
 * starts, are the engine's, so the limit is a multiple of what it needs itself.
 */
export async function stopFirstFigures(engine: BenchEngine, stand: EngineStand, times: number): Promise<Figure[]> {
  if (engine.floor === undefined) return [];
  const figures: Figure[] = [];
  for (const graceS of GRACES_S) {
    const app = await stand.application(`bench-grace${graceS}`);
    await app.define({ web: { replicas: REPLICAS, stopFirst: { graceS } } });
    await app.hand.up({ web: "stubborn" });
    await using belay = await DeployProgram.open(app);
    const [own, floors]: [number[], number[]] = [[], []];
    for (let count = 0; count < times; count++) {
      floors.push(await engine.floor(app, "crash", true));
      own.push((await belay.deployTo("rolled_back", { web: "crash" })).seconds);
    }
    await app.remove();
    const what = `${engine.title}: crash, stop-first, grace ${graceS} s`;
    const floor = median(floors);
    figures.push({ what: `${what}, the engine's own time`, value: floor, unit: "s" });
    figures.push({ what: `${what} → old release proven`, value: median(own), unit: "s", limit: floor * MOST });
  }
  return figures;
}
