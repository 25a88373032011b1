import { DEFAULT_ROLLOUT, Redactor, systemClock } from "@belay/core";
import { deploy } from "@belay/rollout";
import { silentLog } from "../packages/rollout/src/testing/silent-log.ts";
import { SimEngine } from "../packages/rollout/src/testing/sim-engine.ts";
import { SimTarget } from "../packages/rollout/src/testing/sim-target.ts";
import { releaseOf } from "../packages/rollout/src/testing/sim-world.ts";
import type { Figure } from "./measure.ts";

const WAIT_MS = 20_000;
/** As many services as a large release has, with two instances each. */
const SERVICES = Array.from({ length: 20 }, (_, index) => `service${index}`);

/** What Belay itself costs while it waits for a release to become ready: 20 s against an engine in memory. */
export async function waiting(): Promise<Figure[]> {
  const time = {
    get now(): number {
      return systemClock.now();
    },
    sleep: systemClock.sleep,
  };
  const engine = new SimEngine(time);
  for (const name of SERVICES) engine.behaviours.set(`${name}-v1`, { kind: "good", startMs: 2 * WAIT_MS });
  const stop = new AbortController();
  const running = deploy(
    { release: releaseOf("v1", SERVICES), policy: { ...DEFAULT_ROLLOUT, stableMs: 0 } },
    {
      target: new SimTarget(engine),
      clock: systemClock,
      log: silentLog([]),
      holder: { run: "bench", attempt: 1, host: "bench" },
      signal: stop.signal,
      redactor: new Redactor(),
      random: Math.random,
      onEvent: () => undefined,
    },
  );
  await systemClock.sleep(1_000);
  const before = process.cpuUsage();
  await systemClock.sleep(WAIT_MS);
  const { user, system } = process.cpuUsage(before);
  stop.abort();
  await running;
  const percent = (100 * (user + system)) / 1_000 / WAIT_MS;
  return [{ what: "processor while waiting, 20 services, two events a second", value: percent, unit: "%", limit: 3 }];
}
