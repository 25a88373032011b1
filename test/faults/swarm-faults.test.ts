import { defaultEdition } from "@belay/testkit";
import { faultSuite } from "./fault-suite.ts";
import { openSwarmFaults } from "./swarm-fault-stand.ts";

// What an engine's end does to its containers, and what it tells of that, differs from edition to edition.
const only = defaultEdition() === "current" ? (["engine restarted"] as const) : undefined;

faultSuite("Swarm", openSwarmFaults, { brief: true, only });
