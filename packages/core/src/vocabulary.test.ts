import { describe, expect, it } from "vitest";
import {
  BelayError,
  CAUSES,
  describeCause,
  digestOf,
  ERROR_CODES,
  EXIT_CODES,
  formatDuration,
  OUTCOMES,
  oneLine,
  parseDuration,
  tail,
  toBelayError,
  truncate,
} from "./index.ts";

describe("the table of outcomes", () => {
  it("uses each exit code once, 0 only for what is well", () => {
    const outcomes = Object.entries(OUTCOMES).map(([name, facts]): [string, number] => [name, facts.exitCode]);
    const zero = outcomes.filter(([, code]) => code === 0).map(([name]) => name);
    expect(zero).toEqual(["succeeded", "unchanged"]);
    const others = [...outcomes.filter(([, code]) => code !== 0).map(([, code]) => code), ...Object.values(EXIT_CODES)];
    expect(others.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
  });

  it("gives each error an exit code of the table", () => {
    for (const code of Object.keys(ERROR_CODES) as (keyof typeof ERROR_CODES)[]) {
      expect(Object.values(EXIT_CODES)).toContain(new BelayError(code, { doing: "x", got: "y" }).exitCode);
    }
  });

  it("has a sentence for each cause", () => {
    for (const sentence of Object.values(CAUSES)) expect(sentence).toMatch(/^[a-zA-Z].{15,}[^.]$/);
    expect(describeCause({ cause: "crash_loop", service: "web", detail: "exit code 1" })).toBe(
      "crash_loop in web (exit code 1)",
    );
  });
});

describe("errors", () => {
  it("say what was being done, what came back, what to do next", () => {
    const error = new BelayError("CONFIG_INVALID", {
      doing: "reading belay.yaml",
      got: "line 3 is wrong",
      next: "Mend it.",
    });
    expect(error.message).toBe("reading belay.yaml: line 3 is wrong. Mend it.");
  });

  it("call an unexpected error a defect and keep its stack", () => {
    const thrown = new TypeError("x is undefined");
    expect(toBelayError(thrown, "deploying")).toMatchObject({ code: "INTERNAL", cause: thrown, exitCode: 1 });
  });
});

describe("small words", () => {
  it("reads and writes durations", () => {
    expect(["500ms", "5s", "1m30s", "2h", "0", "1.5s"].map(parseDuration)).toEqual([
      500, 5_000, 90_000, 7_200_000, 0, 1_500,
    ]);
    expect(["", "5", "s", "5 s", "-5s", "5sec", "1e3s"].map(parseDuration)).toEqual(Array(7).fill(undefined));
    expect([12, 4_200, 125_000].map(formatDuration)).toEqual(["12 ms", "4.2 s", "2 min 5 s"]);
  });

  it("hashes values by content, not by the order of keys", () => {
    expect(digestOf({ a: 1, b: { c: [1, 2], d: null } })).toBe(digestOf({ b: { d: null, c: [1, 2] }, a: 1 }));
    expect(digestOf({ a: [1, 2] })).not.toBe(digestOf({ a: [2, 1] }));
  });

  it("cuts text without breaking a character", () => {
    expect(truncate("abcdef", 4)).toBe("abc…");
    expect(truncate("ab😀def", 4)).toBe("ab…");
    expect(tail("1\n2\r\n3\n\n", 2)).toEqual(["2", "3"]);
    expect(oneLine(" a\n\tb\u0000  c ")).toBe("a b c");
  });
});
