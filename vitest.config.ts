import { defineConfig } from "vitest/config";
import { SpreadHeavy } from "./scripts/spread-heavy.ts";

// Engines, clusters and their tools are Go programs: so they take a tenth less of the processors, and more of the memory.
process.env.GOGC ??= "400";

/**
 * Suites that run on another stand in `real` too: existing services where there is a stack, manifests where there are existing
 * workloads, or the other way round.
 */
const SIBLINGS = [
  "test/engines/{swarm-services,manifests}-{contract,kill}.test.ts",
  "test/faults/kubernetes-workload-faults.test.ts",
];

/** Fast tests stand beside the source; `test/` needs real engines, act or the bundles, and brings its own set-up. */
export default defineConfig({
  test: {
    passWithNoTests: false,
    sequence: { sequencer: SpreadHeavy },
    projects: [
      {
        test: {
          name: "unit",
          sequence: { groupOrder: 0 },
          include: [
            "packages/*/src/**/*.test.ts",
            "actions/*/src/**/*.test.ts",
            "scripts/**/*.test.ts",
            "bench/**/*.test.ts",
          ],
          // Properties and models take what a busy machine gives them.
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: "real",
          // After the unit tests, whose many short processes would disturb what is timed by real engines.
          sequence: { groupOrder: 1 },
          include: ["test/**/*.test.ts"],
          exclude: SIBLINGS,
          globalSetup: ["test/engines/setup.ts"],
          testTimeout: 180_000,
          hookTimeout: 600_000,
          // They mostly wait for health checks and stable windows, so two side by side cost little.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "siblings",
          sequence: { groupOrder: 2 },
          include: SIBLINGS,
          globalSetup: ["test/engines/setup.ts"],
          testTimeout: 180_000,
          hookTimeout: 600_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          // What tells one Docker engine from another: on a current one (API 1.52, containerd's image store) once more.
          name: "current",
          sequence: { groupOrder: 3 },
          include: [
            "test/engines/{compose,swarm}-contract.test.ts",
            "test/engines/{docker,swarm-addresses,swarm-run-again,swarm-stack,swarm-stack-resources}.test.ts",
            ...(process.env.BELAY_SOAK === "1"
              ? [
                  "test/engines/compose-{proxies,recreate,rolling,rollout,ssh}.test.ts",
                  "test/engines/swarm-{rollout,services-contract}.test.ts",
                  "test/engines/{compose,swarm,swarm-services}-kill.test.ts",
                  "test/faults/{compose,swarm}-faults.test.ts",
                ]
              : []),
          ],
          env: { BELAY_TEST_EDITION: "current" },
          testTimeout: 180_000,
          hookTimeout: 600_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
