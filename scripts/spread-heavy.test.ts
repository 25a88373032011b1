import { expect, it } from "vitest";
import { spread } from "./spread-heavy.ts";

const isUpper = (text: string): boolean => text === text.toUpperCase();
const spreadText = (text: string): string => spread([...text], isUpper).join("");

it.each([
  ["abcdefXY", "XabcYdef"],
  ["aXbYcZ", "XaYbZc"],
  ["abXYZ", "XYaZb"],
  ["abc", "abc"],
  ["XY", "XY"],
  ["", ""],
])("spreads the rare ones, and keeps the order: %s", (text, spreaded) => {
  expect(spreadText(text)).toBe(spreaded);
});
