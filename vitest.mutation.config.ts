import { defineConfig } from "vitest/config";

/** The judge's own tests alone, with fewer random cases each: every mutant runs them. `npm run test:mutation`. */
export default defineConfig({
  test: {
    include: ["packages/rollout/src/judge/{judge*,baseline,facts,known-instances,late-reasons,same-service}.test.ts"],
    env: { BELAY_RUNS: "60" },
    // One worker for all files: to start one takes longer than to run them.
    isolate: false,
    testTimeout: 60_000,
  },
});
