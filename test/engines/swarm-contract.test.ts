import { contractSuite } from "../contract/suite.ts";
import { openSwarmStand } from "../contract/swarm-stand.ts";

contractSuite("Swarm passes the contract", openSwarmStand);
