import { openComposeStand } from "../contract/compose-stand.ts";
import { contractSuite } from "../contract/suite.ts";

contractSuite("Compose passes the contract", openComposeStand);
