import { expect, it } from "vitest";
import { tellRecovery } from "./tell-recovery.ts";

const DEAD = { kind: "recovered", deployments: [7] } as const;

it("says that the release before is back only when that was proven", () => {
  const begin = "Deployment 7 was left open by a run that died;";
  expect(tellRecovery({ ...DEAD, outcome: "rolled_back" })).toBe(`${begin} the release before it is back.`);
  expect(tellRecovery(DEAD)).toBe(`${begin} it had changed nothing.`);
  const cause = { cause: "drifted", service: "web", detail: "it is gone" } as const;
  const told = tellRecovery({ ...DEAD, outcome: "rollback_failed", cause });
  expect(told).toMatch(
    /^Deployment 7 was left open by a run that died; what ran before it could not be proven \(.*it is gone.*\)\.$/,
  );
  expect(tellRecovery({ ...DEAD, outcome: "unverified" })).toContain("could not be proven (unverified).");
  const nothing = { level: "warn", check: "nothing_proven", message: "there is nothing to go back to" } as const;
  const back = tellRecovery({ ...DEAD, outcome: "unverified", cause: { cause: "recovered" }, findings: [nothing] });
  expect(back).toBe(
    `${begin} what ran before it was put back, and was not right before either: no release has been proven here yet.`,
  );
  const still = { level: "warn", check: "still_there", message: "still there beside it: web-5" } as const;
  const beside = tellRecovery({ ...DEAD, outcome: "unverified", findings: [nothing, still] });
  expect(beside).toBe(back.replace(/\.$/, "; still there beside it: web-5."));
});
