import { defaultEdition } from "@belay/testkit";
import { openComposeFaults } from "./compose-fault-stand.ts";
import { faultSuite } from "./fault-suite.ts";

// What an engine's end does to its containers, and what it tells of that, differs from edition to edition.
const only = defaultEdition() === "current" ? (["engine killed and started"] as const) : undefined;

faultSuite("Compose", openComposeFaults, { only });
