import { sha256 } from "@belay/core";
import { describe, expect, it } from "vitest";
import { unsnap } from "./unsnap.ts";

/** Made by github.com/golang/snappy 0.0.4: a text with a repetition that overlaps itself. */
const TEXT =
  "/gLwRnsibWVkaWFUeXBlIjoiYXBwbGljYXRpb24vdm5kLmRldi5zaWdzdG9yZS5idW5kbGUudjAuMytqc29uIn1hYmNkZWZnaGFi/ggA/ggA/g" +
  "gA/ggA1ggAACE=";

/** The same for 300 random bytes and 500 equal ones, four times over: long literals, copies with offsets of two bytes. */
const BYTES =
  "gBn0PgFS/fwHIYJlTxY/Xw+aYh1ylWbHTRADfE17uwQH0eLGSYGFWthoHQ2G0ekeABZ5OctmlNLEIqzSCKAHKTlIf2mZ650YpEeEBF2H88Z88i" +
  "dG6ZWvWiU2eVG6ov9s1HHEg/FfuQuts3xYIbbZVSakGpUEaAtOfIt2OhsdSdSVXISGIWMlJT/sc43XqeKL+SERnBYPBwJEhhW72ggxP2qOtmjS" +
  "C/UFmHWSHmaKW98sf8SERZLSVyvNBmjS1sUvUFTi0INr+ExxdMt0djZMw9vZaLD3Fy7YV5S7NYsMO1JdoXhvn/8JQnnbGUTr16GdD3u6y+AlWq" +
  "W31EvsQPhMiSub/9Q2KbAiO+6l9PdDkfRF0Vr9QpQEA3T2kkuYy/hxP42WLXyNAZGSwkIk4sr8yuN4eHh4eHh4eHh4eHh4eHh4eHh4/goA/goA" +
  "/goA/goA/goA/goA/goAggoA/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/i" +
  "AD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iAD/iADfiAD";

describe("a Snappy block", () => {
  it.each([
    ["with overlapping copies", TEXT, 382, "sha256:e64cd845f7fa52bbdc1a848147a4facfdb17444b5f61d117f28d62a9753065db"],
    [
      "with long literals and far copies",
      BYTES,
      3200,
      "sha256:bb6b96a61a8fcd0856c6b017c95c90e97c824be25300e1a1ed3c8aab654b18e3",
    ],
  ])("%s is unpacked", (_name, packed, size, digest) => {
    const bytes = unsnap(Buffer.from(packed, "base64"));
    expect(bytes).toHaveLength(size);
    expect(sha256(bytes)).toBe(digest);
  });

  it("of nothing is nothing", () => {
    expect(unsnap(Buffer.from([0]))).toHaveLength(0);
  });

  it.each([
    ["nothing at all", []],
    ["a length without an end", [0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ["less than it says", [5, 0, 0x61]],
    ["more than it says", [1, 4, 0x61, 0x62]],
    ["a literal that is cut off", [5, 16, 0x61]],
    ["a copy from before its begin", [9, 0, 0x61, 0x11, 2]],
    ["a copy of nowhere", [5, 0, 0x61, 0x01, 0]],
  ])("is not %s", (_name, bytes) => {
    expect(() => unsnap(Buffer.from(bytes))).toThrow("it is no Snappy block");
  });

  it("that says it is huge is not unpacked", () => {
    expect(() => unsnap(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]))).toThrow("more than 16777216");
  });
});
