import { describe, expect, it } from "vitest";
import { describeDifferences } from "../plan/describe-differences.ts";
import { container } from "../testing/containers.ts";
import { shellWord } from "./give-advice.ts";

describe("a word of a shell command", () => {
  it.each([
    ["compose.yaml", "compose.yaml"],
    ["web=3", "web=3"],
    ["my file", "'my file'"],
    ["$(id)", "'$(id)'"],
    ["it's", String.raw`'it'\''s'`],
    ["", "''"],
  ])("%s", (text, word) => {
    expect(shellWord(text)).toBe(word);
  });
});

describe("the differences of a plan", () => {
  const running = [container("1", { config: { Image: "shop:1", Env: ["A=1", "GONE=x", "PATH=/bin"], Cmd: ["a"] } })];
  const counts = { live: 1, desired: 1 };

  it("name what changes and never a value", () => {
    const wanted = { image: "shop@sha256:aa", environment: { A: "s3cret", B: "$$x" }, command: ["b"] };
    expect(describeDifferences(wanted, running, ["PATH=/bin"], { live: 1, desired: 2 })).toEqual([
      "image: shop:1 → shop@sha256:aa",
      "environment: A changed",
      "environment: B added",
      "environment: GONE removed",
      "command changed",
      "replicas: 1 → 2",
    ]);
  });

  it("are told as such when no known one is seen", () => {
    const same = { image: "shop:1", environment: { A: "1", GONE: "x" } };
    expect(describeDifferences(same, running, ["PATH=/bin"], counts)).toEqual(["configuration changed"]);
    expect(describeDifferences(same, [], [], counts)).toEqual([]);
  });
});
