import { expect, it } from "vitest";
import { plainText } from "./index.ts";

it.each([
  ["a\u001b[31mb\u001b[0m", "ab"],
  ["a\u009b31mb", "ab"],
  ["a\u001b]0;title\u0007b", "ab"],
  ["a\u009d0;title\u009cb", "ab"],
  ["a\u0000\u0008\u007f\u0085\u0090b", "ab"],
  ["a\u202e\u2066\u061c\u180e\u200bb", "ab"],
  ["a\r\nb\rc\td", "a\nb\nc\td"],
  ["é 日本 \u{1f600}", "é 日本 \u{1f600}"],
])("leaves of %j what can be seen", (text, plain) => {
  expect(plainText(text)).toBe(plain);
});

it("takes no longer for what never ends", () => {
  const begun = performance.now();
  for (const open of ["\u001b]", "\u009d", "\u001b[", "\u009b", "\u001b]\u009d"]) plainText(open.repeat(500_000));
  // Quadratic, it would be hours.
  expect(performance.now() - begun).toBeLessThan(60_000);
});
