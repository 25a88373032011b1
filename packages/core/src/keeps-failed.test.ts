import { describe, expect, it } from "vitest";
import { keepsFailed } from "./keeps-failed.ts";
import type { ServiceChange } from "./target.ts";

const facts = { revision: "r1", image: "registry/web@r1", digests: [], instances: 1 };
const change = { service: "web", name: "web", goal: "run", desired: 1, dependsOn: [], differences: [] } as const;
const fresh: ServiceChange = { ...change, action: "create", to: facts };
const known: ServiceChange = { ...change, action: "update", from: facts, to: facts };

describe("a release that fails", () => {
  it.each([
    ["stays when it is the first", true, [fresh], { onFailure: "rollback", onFirstFailure: "keep" }],
    ["goes when it is the first and is to be removed", false, [fresh], { onFailure: "keep", onFirstFailure: "remove" }],
    ["goes back to what ran", false, [known], { onFailure: "rollback", onFirstFailure: "keep" }],
    ["stays over what ran", true, [known], { onFailure: "keep", onFirstFailure: "remove" }],
    [
      "is no first one with one service that is new",
      false,
      [known, fresh],
      { onFailure: "rollback", onFirstFailure: "keep" },
    ],
  ] as const)("%s", (_, kept, services, policy) => {
    expect(keepsFailed(services, policy)).toBe(kept);
  });
});
