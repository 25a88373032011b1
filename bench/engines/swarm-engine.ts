import { openSwarmStand } from "../../test/contract/swarm-stand.ts";
import type { BenchEngine } from "./bench-engine.ts";
import { swarmFloor } from "./swarm-floor.ts";

/** A stack on a swarm of one node, beside `docker service update` with the engine's own automatic rollback. */
export const SWARM: BenchEngine = {
  title: "Swarm",
  limits: { missing: 1, crash: 1.5, sick: 4 },
  goodLimit: (engineSeconds) => engineSeconds + 0.3,
  floor: swarmFloor,
  tool: "docker service update --update-failure-action rollback",
  open: openSwarmStand,
};
