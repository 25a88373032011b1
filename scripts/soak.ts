/**
 * The ledger's model in a million random worlds, on all processors: `npm run test:soak [-- <worlds> [<first seed>]]`.
 * Each worker takes some hundred seeds at a time, so that memory stays as it is after the first. Ends with exit code
 * 1 at the first broken promise, and names the seed: `BELAY_SEED=<seed> npx vitest run packages/rollout/src/ledger/ledger.model.test.ts`.
 */
import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { type BadWorld, worldsThatFail } from "../packages/rollout/src/testing/worlds-that-fail.ts";

const BATCH = 200;
const TELL_EVERY_MS = 30_000;

interface Answer {
  readonly bad: readonly BadWorld[];
  readonly residentBytes: number;
}

if (process.send === undefined) await soak(Number(process.argv[2] ?? 1_000_000), Number(process.argv[3] ?? 0));
else
  process.on("message", async (first: number) => {
    const bad = await worldsThatFail(first, BATCH);
    const answer: Answer = { bad, residentBytes: process.memoryUsage().rss };
    process.send?.(answer);
  });

async function soak(worlds: number, first: number): Promise<void> {
  const begun = performance.now();
  let next = first;
  let done = 0;
  let most = 0;
  const tell = (): void => {
    const seconds = Math.round((performance.now() - begun) / 1_000);
    console.log(`${done} of ${worlds} worlds in ${seconds} s, at most ${Math.round(most / 1e6)} MB per worker`);
  };
  const timer = setInterval(tell, TELL_EVERY_MS);
  const workers = Array.from({ length: availableParallelism() }, () => fork(fileURLToPath(import.meta.url)));
  await Promise.all(
    workers.map(async (worker) => {
      while (next < first + worlds) {
        const from = next;
        next += BATCH;
        const { bad, residentBytes } = await ask(worker, from);
        done += BATCH;
        most = Math.max(most, residentBytes);
        if (bad.length === 0) continue;
        console.error(`Seed ${bad[0]?.seed}: ${bad[0]?.wrong.join("\n")}`);
        process.exitCode = 1;
        next = Number.POSITIVE_INFINITY;
      }
      worker.disconnect();
    }),
  );
  clearInterval(timer);
  tell();
}

function ask(worker: ChildProcess, first: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    worker.once("message", (answer) => {
      worker.off("exit", died);
      resolve(answer as Answer);
    });
    const died = (): void => reject(new Error(`the worker with the seeds from ${first} on died`));
    worker.once("exit", died);
    worker.send(first);
  });
}
