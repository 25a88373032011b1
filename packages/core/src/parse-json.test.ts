import { expect, it } from "vitest";
import { parseJson } from "./index.ts";

it("reads what is nested as deep as anything is that is written", () => {
  const text = `${"[".repeat(64)}${"]".repeat(64)}`;
  expect(parseJson(text)).toEqual(JSON.parse(text));
  expect(parseJson('{"a":[1,"b",null]}')).toEqual({ a: [1, "b", null] });
});

it.each([
  ["1000 levels of lists", "[".repeat(1_000) + "]".repeat(1_000), "nested more than 64 deep"],
  ["a million levels of objects", '{"a":'.repeat(1e6) + 1 + "}".repeat(1e6), "nested more than 64 deep"],
  ["a prototype", '{"a":[{"__proto__":{"scan":"off"}}]}', "a member __proto__"],
  ["no JSON", "{", "JSON"],
])("refuses %s", (_what, text, why) => {
  expect(() => parseJson(text)).toThrow(why);
});
