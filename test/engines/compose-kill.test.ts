import { openComposeStand } from "../contract/compose-stand.ts";
import { killSuite } from "../contract/kill-suite.ts";

killSuite("Compose", "compose", openComposeStand);
