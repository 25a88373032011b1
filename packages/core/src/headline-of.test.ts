import { describe, expect, it } from "vitest";
import { headlineOf } from "./headline-of.ts";
import { OUTCOME_NAMES, OUTCOMES } from "./outcome.ts";

it("is the outcome's own for a release", () => {
  for (const outcome of OUTCOME_NAMES) expect(headlineOf({ outcome })).toBe(OUTCOMES[outcome].headline);
});

it("names what a rollback by hand went back to, and never reads like a release that was taken off", () => {
  const lines = OUTCOME_NAMES.map((outcome) => headlineOf({ outcome, rollback: { to: 12 } }));
  expect(new Set(lines).size).toBe(OUTCOME_NAMES.length);
  for (const line of lines) expect(line).toMatch(/eployment 12\b/);
  expect(lines).not.toContain(OUTCOMES.rolled_back.headline);
  expect(headlineOf({ outcome: "succeeded", rollback: { to: 12 } })).toBe("Rolled back to deployment 12, healthy");
});

describe("where no instance of what is to run is ready", () => {
  const service = { service: "web", name: "web", revision: "1", image: "web", digests: [], ready: 0, desired: 0 };
  const change = { service: "web", name: "web", action: "update", desired: 0, dependsOn: [], differences: [] } as const;
  const runs = { running: [service], changes: [{ ...change, goal: "run" }] } as const;

  it("calls nothing healthy", () => {
    expect(headlineOf({ outcome: "succeeded", ...runs })).toBe("Deployed, nothing of it runs now");
    expect(headlineOf({ outcome: "unchanged", ...runs })).toBe("Already in place, nothing of it runs now");
    for (const outcome of OUTCOME_NAMES) {
      expect(headlineOf({ outcome, ...runs })).not.toContain("healthy");
      expect(headlineOf({ outcome, ...runs, rollback: { to: 12 } })).not.toContain("healthy");
    }
    expect(headlineOf({ outcome: "succeeded", ...runs, running: [] })).toBe("Deployed, nothing of it runs now");
  });

  it("does not ask what runs once to its end for instances, nor where nothing was read", () => {
    const once = { running: [service], changes: [{ ...change, goal: "complete" }] } as const;
    for (const told of [once, { ...once, running: [] }, {}, { changes: runs.changes }]) {
      expect(headlineOf({ outcome: "succeeded", ...told })).toBe(OUTCOMES.succeeded.headline);
    }
  });

  it("goes by all services", () => {
    const running = [service, { ...service, service: "api", ready: 1, desired: 1 }];
    expect(headlineOf({ outcome: "succeeded", ...runs, running })).toBe(OUTCOMES.succeeded.headline);
  });
});
