import { expect, test } from "vitest";
import { standIn } from "./stand-in.ts";

test("keys that docker's stack commands refuse go by extension keys", () => {
  const { text, changed } = standIn(
    "services:\n  web: { environment: { content: x } } # kept\nconfigs:\n  a: { content: hello }\nsecrets:\n  b:\n    environment: TOKEN\n",
  );
  expect(changed).toBe(true);
  expect(text).toContain("a: { x-belay-content: hello }");
  expect(text).toContain("x-belay-environment: TOKEN");
  expect(text).toContain("{ environment: { content: x } } # kept");
});

test("other files stay as they are, to the byte", () => {
  const text = "services:   { web: {image: x} }\nconfigs: { a: { file: content } }\n";
  expect(standIn(text)).toEqual({ text, changed: false });
  expect(standIn("configs: [1]")).toMatchObject({ changed: false });
});
