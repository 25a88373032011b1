import { faultSuite } from "./fault-suite.ts";
import { openSwarmFaults } from "./swarm-fault-stand.ts";

faultSuite("Swarm", openSwarmFaults);
