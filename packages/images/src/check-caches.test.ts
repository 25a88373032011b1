import type { BuildSettings } from "@belay/config";
import { Redactor } from "@belay/core";
import { createTestLog } from "@belay/testkit";
import { beforeEach, expect, it, vi } from "vitest";
import { checkCaches } from "./check-caches.ts";

/** As a step with `uses:` has it. */
const RUNNER = { ACTIONS_RUNTIME_TOKEN: "eyJhbGciOi.a.b", ACTIONS_RESULTS_URL: "https://results.example/" };

beforeEach(() => {
  for (const name of [...Object.keys(RUNNER), "ACTIONS_CACHE_URL"]) vi.stubEnv(name, "");
  return () => vi.unstubAllEnvs();
});

function check(caches: Pick<BuildSettings, "cacheFrom" | "cacheTo">, env: Readonly<Record<string, string>> = {}) {
  const build: BuildSettings = { context: ".", args: {}, platforms: [], ...caches };
  const redactor = new Redactor();
  const log = createTestLog(redactor);
  const onSecret = (value: string): void => redactor.add(value);
  checkCaches([["web", { image: "a.invalid/web", names: {}, build }]], log, { env, onSecret });
  return { text: log.text(), redactor };
}

it("says that buildx leaves a cache with GitHub out where its variables are missing", () => {
  const cacheTo = ["type=gha,scope=web,mode=max"];
  expect(check({ cacheTo }).text).toMatch(
    /warn.*services\.web\.build: its cache of type=gha is left out.*`uses:` alone/,
  );
  expect(check({ cacheTo }, { ACTIONS_RUNTIME_TOKEN: "a" }).text).toContain("left out");
  expect(check({ cacheTo }, { ACTIONS_RESULTS_URL: "https://a" }).text).toContain("left out");
  expect(check({ cacheFrom: ['"type=gha",scope=web'] }).text).toContain("left out");
  expect(check({ cacheFrom: ["type=registry,ref=a/b:c", "a/b:type=gha", "a/b"] }).text).toBe("");
});

it("says nothing where they are, and takes the token out of the log", () => {
  const cacheFrom = ["type=gha"];
  const { text, redactor } = check({ cacheFrom }, RUNNER);
  expect(text).toBe("");
  expect(redactor.redact(`Bearer ${RUNNER.ACTIONS_RUNTIME_TOKEN}`)).toBe("Bearer ***");
  expect(check({ cacheFrom }, { ACTIONS_RUNTIME_TOKEN: "abcdefgh", ACTIONS_CACHE_URL: "https://a" }).text).toBe("");
  expect(check({ cacheFrom: ["type=gha,url_v2=https://a"] }, { ACTIONS_RUNTIME_TOKEN: "abcdefgh" }).text).toBe("");
});
