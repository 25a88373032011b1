import { openComposeFaults } from "./compose-fault-stand.ts";
import { faultSuite } from "./fault-suite.ts";

faultSuite("Compose", openComposeFaults);
