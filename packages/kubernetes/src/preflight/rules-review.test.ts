import { expect, test } from "vitest";
import { mayBy } from "./rules-review.ts";

const PATCH = { verb: "patch", group: "apps", resource: "deployments" };
const LOG = { verb: "get", group: "", resource: "pods", subresource: "log" };
const rule = (verbs: string[], apiGroups: string[], resources: string[], resourceNames?: string[]) => ({
  verbs,
  apiGroups,
  resources,
  ...(resourceNames && { resourceNames }),
});

test.each([
  ["the very rule", rule(["patch"], ["apps"], ["deployments"]), PATCH, true],
  ["everything", rule(["*"], ["*"], ["*"]), LOG, true],
  ["another verb", rule(["get"], ["apps"], ["deployments"]), PATCH, false],
  ["another group", rule(["patch"], [""], ["deployments"]), PATCH, false],
  ["one object only", rule(["patch"], ["apps"], ["deployments"], ["web"]), PATCH, false],
  ["pods, not their logs", rule(["get"], [""], ["pods"]), LOG, false],
  ["logs", rule(["get"], [""], ["pods/log"]), LOG, true],
  ["that part of anything", rule(["get"], [""], ["*/log"]), LOG, true],
])("a rule for %s", (_what, one, access, expected) => {
  expect(mayBy({ status: { resourceRules: [one] } })(access)).toBe(expected);
});

test("what is not whole is not relied on", () => {
  const everything = rule(["*"], ["*"], ["*"]);
  expect(mayBy({ status: { resourceRules: [everything], incomplete: true } })(PATCH)).toBe(false);
  expect(mayBy({})(PATCH)).toBe(false);
  expect(mayBy({ status: { resourceRules: null } })(PATCH)).toBe(false);
});
