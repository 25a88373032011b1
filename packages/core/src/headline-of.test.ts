import { expect, it } from "vitest";
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
