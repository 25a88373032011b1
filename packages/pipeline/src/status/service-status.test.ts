import { type RunningService, sha256 } from "@belay/core";
import type { HistoryEntry } from "@belay/rollout";
import { describe, expect, it } from "vitest";
import { serviceStatuses } from "./service-status.ts";

const migrate: RunningService = {
  service: "migrate",
  name: "shop_migrate",
  revision: "a.7",
  image: `ghcr.io/acme/shop-web@${sha256("web")}`,
  digests: [sha256("web")],
  ready: 0,
  desired: 1,
  deployment: 7,
};

function entry(outcome: "succeeded" | "failed", once: readonly string[] | undefined): HistoryEntry {
  const both = { schema: "belay.ledger/v1", deployment: 7, nonce: "n" } as const;
  const holder = { run: "1", host: "ci" } as NonNullable<HistoryEntry["begin"]>["holder"];
  const begin = { ...both, holder, intent: "deploy", beganAt: "", ...(once === undefined ? {} : { once }) } as const;
  return { deployment: 7, begin, end: { ...both, outcome, endedAt: "" }, open: false };
}

const isDone = (service: RunningService, history: readonly HistoryEntry[]): boolean | undefined =>
  serviceStatuses([service], [], history, undefined)[0]?.done;

describe("what ran once to its end", () => {
  it("is done when the deployment that brought it has proven that", () => {
    expect(isDone(migrate, [entry("succeeded", ["migrate"])])).toBe(true);
  });

  it("is not called done by a deployment that failed, by one of which it was to go on, or by none", () => {
    expect(isDone(migrate, [entry("failed", ["migrate"])])).toBeUndefined();
    expect(isDone(migrate, [entry("succeeded", undefined)])).toBeUndefined();
    expect(isDone(migrate, [])).toBeUndefined();
    expect(isDone({ ...migrate, deployment: 8 }, [entry("succeeded", ["migrate"])])).toBeUndefined();
  });

  it("runs while an instance of it is there", () => {
    expect(isDone({ ...migrate, ready: 1 }, [entry("succeeded", ["migrate"])])).toBeUndefined();
  });
});
