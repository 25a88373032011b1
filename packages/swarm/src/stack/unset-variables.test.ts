import { expect, test } from "vitest";
import { unsetVariables } from "./unset-variables.ts";

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
