import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@belay/core";
import { temporaryFolder } from "@belay/testkit";
import { expect, it } from "vitest";
import { waitUntilUnlocked } from "./write-lock.ts";

const WAITING = { doing: "opening it", waitMs: 0, clock: systemClock };

async function holding(file: string, how: "--exclusive" | "--shared"): Promise<ChildProcess & AsyncDisposable> {
  const holder = spawn("flock", [how, "--no-fork", file, "sh", "-c", "echo held; exec sleep 600"]);
  await once(holder.stdout, "data");
  const dispose = async (): Promise<void> => {
    if (holder.kill()) await once(holder, "exit");
  };
  return Object.assign(holder, { [Symbol.asyncDispose]: dispose });
}

it("tells who holds a file for writing, and goes on when nobody does", async () => {
  await using folder = await temporaryFolder("belay-lock");
  const [file, other] = [join(folder.path, "trivy.db"), join(folder.path, "other.db")];
  for (const one of [file, other]) await writeFile(one, "");
  await using _reader = await holding(other, "--shared");
  {
    await using holder = await holding(file, "--exclusive");
    await expect(waitUntilUnlocked(file, WAITING)).rejects.toMatchObject({
      obstacle: "cache_locked",
      got: expect.stringContaining(`the process ${holder.pid} has held the lock of ${file}`),
    });
    await waitUntilUnlocked(other, WAITING);
  }
  await waitUntilUnlocked(file, { ...WAITING, waitMs: 60_000 });
  await waitUntilUnlocked(join(folder.path, "none.db"), WAITING);
});
