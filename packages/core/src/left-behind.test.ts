import { expect, it } from "vitest";
import { BelayError } from "./errors.ts";
import { LeftBehind } from "./left-behind.ts";
import type { Log } from "./log.ts";

const WARNED: string[] = [];
const LOG = { warn: (message: string) => WARNED.push(message) } as unknown as Log;
const THING = { what: "the container web-1", service: "web", command: "docker rm --force web-1" };
const refused = (code: "ENGINE_ERROR" | "ENGINE_FORBIDDEN" | "ENGINE_UNREACHABLE") => async () => {
  throw new BelayError(code, { doing: "removing web-1", got: "busy" });
};

it.each(["ENGINE_ERROR", "ENGINE_FORBIDDEN"] as const)(
  "keeps what is refused for good (%s), until it is gone",
  async (code) => {
    const left = new LeftBehind(LOG);
    await left.attempt(THING, refused(code));
    expect(left.all()).toEqual([{ ...THING, why: "removing web-1: busy." }]);
    expect(WARNED.at(-1)).toBe("the container web-1 stays behind: removing web-1: busy.");
    await left.attempt(THING, async () => undefined);
    expect(left.all()).toEqual([]);
  },
);

it("forgets all of it when the act begins again: nobody clears away what is gone by then", async () => {
  const left = new LeftBehind(LOG);
  await left.attempt(THING, refused("ENGINE_ERROR"));
  left.begin();
  expect(left.all()).toEqual([]);
});

it("throws what may heal: the act is repeated", async () => {
  const left = new LeftBehind(LOG);
  await expect(left.attempt(THING, refused("ENGINE_UNREACHABLE"))).rejects.toMatchObject({
    code: "ENGINE_UNREACHABLE",
  });
  expect(left.all()).toEqual([]);
});
