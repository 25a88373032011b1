import { contractSuite } from "../contract/suite.ts";
import { openSwarmServicesStand } from "../contract/swarm-services-stand.ts";

contractSuite("Swarm (existing services) passes the contract", openSwarmServicesStand);
