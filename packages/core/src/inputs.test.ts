import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Inputs, isBelayError } from "./index.ts";

const inputs = (values: Record<string, string>): Inputs => new Inputs((name) => values[name]);

describe("inputs", () => {
  it("takes an empty value as not given and zero as a value", () => {
    expect(inputs({ retries: "" }).integer("retries", 0)).toBeUndefined();
    expect(inputs({ retries: "0" }).integer("retries", 0)).toBe(0);
    expect(inputs({ stable: "0" }).durationMs("stable")).toBe(0);
  });

  it.each([
    ["retries", "3x", 'reading input `retries`: its value is "3x". Legal values: a whole number, 0 or more.'],
    ["retries", "-1", 'reading input `retries`: its value is "-1". Legal values: a whole number, 0 or more.'],
    ["retries", "1e3", 'reading input `retries`: its value is "1e3". Legal values: a whole number, 0 or more.'],
  ])("refuses %s=%s without clamping", (name, value, message) => {
    expect(() => inputs({ [name]: value }).integer(name, 0)).toThrow(message);
  });

  it("names the legal values of a choice", () => {
    expect(() => inputs({ strategy: "Rolling" }).choice("strategy", ["rolling", "recreate"])).toThrow(
      'reading input `strategy`: its value is "Rolling". Legal values: rolling, recreate.',
    );
    expect(() => inputs({ comment: "yes" }).boolean("comment")).toThrow("Legal values: true, false.");
  });

  it("refuses a duration without a unit", () => {
    expect(() => inputs({ stable: "5" }).durationMs("stable")).toThrow("a number with a unit");
    expect(inputs({ stable: "1m30s" }).durationMs("stable")).toBe(90_000);
  });

  it("reads lists and pairs, one a line, with = in values", () => {
    const given = inputs({ files: "a.yml\n\n# no\n b.yml ", args: "A=1\nB=x=y\nC=" });
    expect(given.list("files")).toEqual(["a.yml", "b.yml"]);
    expect(given.pairs("args")).toEqual({ A: "1", B: "x=y", C: "" });
    expect(() => inputs({ args: "novalue" }).pairs("args")).toThrow("Write NAME=value, one a line.");
  });

  it("never throws anything but a BelayError (property)", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const given = inputs({ x: text });
        for (const read of [
          () => given.integer("x", 0),
          () => given.durationMs("x"),
          () => given.pairs("x"),
          () => given.boolean("x"),
        ]) {
          try {
            read();
          } catch (error) {
            expect(isBelayError(error, "INVALID_INPUT")).toBe(true);
          }
        }
      }),
    );
  });
});
