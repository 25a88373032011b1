import { killSuite } from "../contract/kill-suite.ts";
import { openSwarmStand } from "../contract/swarm-stand.ts";

killSuite("Swarm", "swarm", openSwarmStand);
