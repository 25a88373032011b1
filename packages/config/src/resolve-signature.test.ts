import { describe, expect, it } from "vitest";
import { change, EXAMPLE, problemLines } from "./example.fixture.ts";
import { settings } from "./settings.fixture.ts";

/** The example with a line added to its environment. */
const withLine = (line: string): string => change(["    rollout:", `    ${line}\n    rollout:`]);

describe("require-signature", () => {
  it("is asked for by nobody who does not say so", () => {
    expect(settings(EXAMPLE).requireSignature).toBeUndefined();
  });

  it("names a key beside belay.yaml", () => {
    const text = withLine("require-signature: { key: keys/cosign.pub }");
    expect(settings(text).requireSignature).toEqual({ keyFile: "/repo/keys/cosign.pub" });
  });

  it("is won by the input", () => {
    const text = withLine("require-signature: { key: a.pub }");
    expect(settings(text, { "require-signature": "b.pub" }).requireSignature).toEqual({ keyFile: "/repo/b.pub" });
    expect(settings(EXAMPLE, { "require-signature": "/x/b.pub" }).requireSignature).toEqual({ keyFile: "/x/b.pub" });
  });

  it.each(["require-signature: cosign.pub", "require-signature: {}", "require-signature: { ky: a.pub }"])(
    "refuses %j, with what is legal",
    (line) => {
      const problems = problemLines(() => settings(withLine(line))).join("\n");
      expect(problems).toContain("require-signature");
      expect(problems).toContain("key");
    },
  );
});
