import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { ProcessFamily } from "./process-family.ts";

it("is the process alone where nothing tells of others", async () => {
  const root = spawn("sleep", ["1000"], { stdio: "ignore" });
  const ended = once(root, "exit");
  await once(root, "spawn");
  const family = new ProcessFamily(root, "/no/such/folder");
  family.kill("SIGKILL");
  expect(await ended).toEqual([null, "SIGKILL"]);
  // Nobody is there any more.
  family.kill("SIGKILL");
  new ProcessFamily(root).kill("SIGKILL");
});
