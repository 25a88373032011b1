import { BelayError, changePermit, mayChangeInPassing, withPermit } from "@belay/core";
import { EngineError } from "@belay/docker";
import { expect, it } from "vitest";
import { changeInPassing } from "./change-in-passing.ts";

const sends = async (): Promise<void> => changePermit()();

it("a look changes something by the way only while the run may, and does not fail when it may not", async () => {
  expect(mayChangeInPassing()).toBe(true);
  expect(await changeInPassing(sends)).toBe(true);
  for (const code of ["LEDGER_ERROR", "FENCED"] as const) {
    const refuse = () => {
      throw new BelayError(code, { doing: "holding deployment 7", got: "the last proof of life is too old" });
    };
    expect(withPermit(refuse, mayChangeInPassing)).toBe(false);
    expect(await withPermit(refuse, () => changeInPassing(sends))).toBe(false);
  }
});

it("what the engine refuses for another reason than that somebody was first is told", async () => {
  const answer = (status: number, message: string) =>
    Promise.reject(new EngineError("ENGINE_ERROR", status, message, { doing: "updating", got: message }));
  expect(await changeInPassing(() => answer(404, "no such service"))).toBe(false);
  await expect(changeInPassing(() => answer(400, "invalid mount"))).rejects.toThrow("invalid mount");
});
