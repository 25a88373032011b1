import { expect, test } from "vitest";
import { unsetPassed, unsetVariables } from "./unset-variables.ts";

const inImage = (text: string) => ({ services: { web: { image: text, list: [{ deep: text }] } } });

test.for([
  [`$A \${B}`, ["A", "B"]],
  [`$$A $\${B}`, []],
  ["$$$A", ["A"]],
  [`\${A:-x} \${B-x} \${C:?x} \${D?x}`, []],
  [`\${SET} $SET`, []],
  ["cost: 5$", []],
] as const)("%s", ([text, names]) => {
  expect(unsetVariables(inImage(text), { SET: "" })).toEqual(names);
});

test("only where docker puts variables in", () => {
  expect(unsetVariables({ "x-a": "$A", version: "$B", configs: { c: { content: "$C" } } }, {})).toEqual(["C"]);
  expect(unsetVariables(null, {})).toEqual([]);
});

test.for([
  [["A", "B=", "SET", "C=$C", `\${SET}`, "$SET"], ["A"]],
  [{ A: null, B: "", SET: null, N: 0 }, ["A"]],
  ["A", []],
  [null, []],
] as const)("passed on without a value: %j", ([environment, names]) => {
  expect(unsetPassed({ services: { web: { environment }, db: null } }, { SET: "" })).toEqual(names);
});
