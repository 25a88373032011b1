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

  const GITHUB = "https://token.actions.githubusercontent.com";
  const WORKFLOW = "https://github.com/acme/shop/.github/workflows/deploy.yml@refs/heads/main";

  it("names who signs without a key, and whom to trust", () => {
    const text = withLine(`require-signature: { identity: "${WORKFLOW}", trusted-root: root.json }`);
    const required = { identity: WORKFLOW, issuer: GITHUB, trustedRoot: "/repo/root.json" };
    expect(settings(text).requireSignature).toEqual(required);
    const other = withLine(`require-signature: { identity: "${WORKFLOW}", issuer: "https://issuer.example" }`);
    expect(settings(other).requireSignature).toEqual({ identity: WORKFLOW, issuer: "https://issuer.example" });
  });

  it("names the repository that it must have been made in", () => {
    const text = withLine(`require-signature: { identity: "${WORKFLOW}", repository: acme/shop }`);
    const required = { identity: WORKFLOW, issuer: GITHUB, repository: "acme/shop" };
    expect(settings(text).requireSignature).toEqual(required);
    expect(settings(text, { "require-signature": `${WORKFLOW}2` }).requireSignature).toEqual({
      ...required,
      identity: `${WORKFLOW}2`,
    });
  });

  it("excepts images of others, which the file pins", () => {
    const text = withLine("require-signature: { key: a.pub, except: [cache] }");
    expect(settings(text).requireSignature).toEqual({ keyFile: "/repo/a.pub", except: ["cache"] });
    const given = settings(text, { "require-signature": "b.pub" }).requireSignature;
    expect(given).toEqual({ keyFile: "/repo/b.pub", except: ["cache"] });
  });

  it.each([
    ["web", EXAMPLE, "web is built here: sign it"],
    ["nothing", EXAMPLE, "there is no service nothing"],
    ["cache", EXAMPLE.replace(/redis@sha256:a+/, "redis:7"), "cache is not pinned: write its image as"],
  ])("excepts not %s, which nothing pins", (name, text, words) => {
    const lines = text.replace(
      "    rollout:",
      `    require-signature: { key: a.pub, except: [${name}] }\n    rollout:`,
    );
    expect(problemLines(() => settings(lines)).join("\n")).toContain(words);
  });

  it("takes an address in the input for an identity, with the file's trust", () => {
    const given = { "require-signature": WORKFLOW };
    expect(settings(EXAMPLE, given).requireSignature).toEqual({ identity: WORKFLOW, issuer: GITHUB });
    const text = withLine("require-signature: { identity: x, trusted-root: root.json }");
    const required = { identity: WORKFLOW, issuer: GITHUB, trustedRoot: "/repo/root.json" };
    expect(settings(text, given).requireSignature).toEqual(required);
  });

  it.each([
    ["require-signature: cosign.pub", "key"],
    ["require-signature: {}", "needs one of `key` and `identity`"],
    ["require-signature: { key: a.pub, identity: x }", "needs one of `key` and `identity`"],
    ["require-signature: { key: a.pub, issuer: 'https://x.example' }", "`issuer` belongs to `identity`"],
    ["require-signature: { key: a.pub, repository: acme/shop }", "`repository` belongs to `identity`"],
    ["require-signature: { identity: x, repository: https://github.com/acme/shop }", "acme/shop"],
    ["require-signature: { key: a.pub, trusted-root: a.json }", "`trusted-root` belongs to `identity`"],
    ["require-signature: { ky: a.pub }", "key"],
  ])("refuses %j, with what is legal", (line, words) => {
    const problems = problemLines(() => settings(withLine(line))).join("\n");
    expect(problems).toContain("belay.yaml:15:");
    expect(problems).toContain(words);
  });
});
