import { killSuite } from "../contract/kill-suite.ts";
import { openSwarmServicesStand } from "../contract/swarm-services-stand.ts";

// What two runners share is a swarm's, whichever services are on it: `swarm-kill.test.ts` shows that each time.
killSuite("Swarm (existing services)", "swarm services", openSwarmServicesStand, { oneRunner: true });
