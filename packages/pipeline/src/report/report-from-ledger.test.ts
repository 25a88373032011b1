import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DeploymentReport, headlineOf, lastingServices, type Target } from "@belay/core";
import type { HistoryEntry } from "@belay/rollout";
import { SAMPLE_REPORTS } from "@belay/testkit";
import { expect, it, onTestFinished } from "vitest";
import { createContext } from "../testing/create-context.ts";
import { reportOfEntry } from "./report-from-ledger.ts";

const SAMPLE = SAMPLE_REPORTS.succeeded;
const [RUNNING] = SAMPLE.running;

/** What is told of a release of `web` and `migrate` that succeeded, from what its begin says besides. */
async function toldOf(begin: { readonly once?: readonly string[] }): Promise<DeploymentReport> {
  const folder = await mkdtemp(join(tmpdir(), "belay-ledger-report-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  if (RUNNING === undefined) throw new Error("the sample has no service");
  const target: Pick<Target, "kind" | "scope" | "running" | "advice"> = {
    kind: "compose",
    scope: { target: "compose", project: "shop", application: "shop", environment: "staging" },
    running: async () => [
      { ...RUNNING, service: "web", ready: 2, desired: 2 },
      { ...RUNNING, service: "migrate", ready: 0, desired: 1 },
    ],
    advice: async () => [],
  };
  const record = { schema: "belay.ledger/v1", deployment: 12, nonce: "n" } as const;
  const release = { ...SAMPLE.release, images: {} };
  const holder = { run: "1", attempt: 1, host: "h" };
  const entry: HistoryEntry = {
    deployment: 12,
    open: false,
    begin: { ...record, ...begin, holder, intent: "deploy", release, beganAt: "2026-01-01T10:00:00Z" },
    end: { ...record, outcome: "succeeded", endedAt: "2026-01-01T10:00:09Z" },
  };
  return reportOfEntry(createContext(folder, { RUNNER_TEMP: folder }), target, entry, release);
}

it("misses no instance of what ran once, as the begin has noted it", async () => {
  const report = await toldOf({ once: ["migrate"] });
  expect(lastingServices(report).map(({ service }) => service)).toEqual(["web"]);
  expect(headlineOf(report)).toBe(headlineOf(SAMPLE));
});

it("is made of a begin that was written before it noted that, too", async () => {
  const report = await toldOf({});
  expect(report).toMatchObject({ outcome: "succeeded", deployment: 12, durationMs: 9_000 });
  expect(lastingServices(report).map(({ service }) => service)).toEqual(["web", "migrate"]);
});
