import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { changePermit, withPermit } from "./change-permit.ts";

function refuse(): void {
  throw new Error("no more");
}

it("goes with the work through every wait", async () => {
  const work = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    changePermit()();
  };
  await expect(withPermit(refuse, work)).rejects.toThrow("no more");
  await expect(work()).resolves.toBeUndefined();
});

it("is had when a call begins, so that it is the right one where a connection of another call tells of an event", () => {
  const connection = new EventEmitter();
  const answers: (() => void)[] = [];
  const send = (): void => {
    const mayChange = changePermit();
    connection.once("free", () => answers.push(mayChange));
  };
  withPermit(refuse, send);
  withPermit(
    () => undefined,
    () => connection.emit("free"),
  );
  expect(answers).toEqual([refuse]);
});
