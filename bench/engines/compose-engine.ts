import { openComposeStand } from "../../test/contract/compose-stand.ts";
import type { BenchEngine } from "./bench-engine.ts";
import { composeCrashFloor } from "./compose-floor.ts";

/** Plain Docker has no update of its own: `docker compose up -d --wait` takes the old containers away first. */
export const COMPOSE: BenchEngine = {
  title: "Compose",
  limits: { missing: 1, crash: 2, sick: 4 },
  workPerReplica: { requests: 4, what: "start, stop, remove and a look for the snapshot" },
  tool: "docker compose up -d --wait",
  open: () => openComposeStand(),
  // `up --wait` does less (it stops the old containers first), and is what its users wait for.
  goodLimit: (engineSeconds) => engineSeconds + 0.3,
  crashFloor: composeCrashFloor,
};
