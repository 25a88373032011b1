import { BelayError } from "@belay/core";
import { describe, expect, it } from "vitest";
import { errorJson, resultJson } from "./result-json.ts";

describe("what --json prints", () => {
  it("has durations in whole milliseconds, at any depth, and other numbers as they are", () => {
    const text = resultJson({ durationMs: 1.6, history: [{ end: { restoreMs: 12.2 } }], ratio: 0.5 });
    expect(text).toBe('{"durationMs":2,"history":[{"end":{"restoreMs":12}}],"ratio":0.5}');
  });

  it("holds no command for GitHub's runner, and means the same", () => {
    const result = { got: "of a container: ##[set-output name=x]1" };
    expect(resultJson(result)).not.toContain("##[");
    expect(JSON.parse(resultJson(result))).toEqual(result);
  });

  it("holds nothing that a terminal obeys unseen, and means the same", () => {
    const result = { "a\u009b": "b\u001b[31m\u009b31m\u202e\u2066\u061c\u2028\u0085\u200b\\u202e" };
    expect(resultJson(result)).toMatch(/^[ -~]+$/);
    expect(JSON.parse(resultJson(result))).toEqual(result);
  });

  it("is one object for an error too", () => {
    const error = new BelayError("INVALID_INPUT", { doing: "reading", got: "two\nlines" });
    expect(errorJson(error)).not.toContain("\n");
    expect(JSON.parse(errorJson(error))).toEqual({
      outcome: "invalid_input",
      cause: null,
      error: { code: "INVALID_INPUT", doing: "reading", got: "two\nlines", next: null },
    });
  });
});
