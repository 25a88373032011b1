import { gzipSync } from "node:zlib";
import { Redactor } from "@belay/core";
import { beforeEach, expect, it } from "vitest";
import { seededRandom } from "../testing/seeded-random.ts";
import { silentLog } from "../testing/silent-log.ts";
import { SimTime } from "../testing/sim-time.ts";
import { Ledger } from "./ledger.ts";
import { MemoryStore } from "./memory-store.ts";
import { openSnapshots } from "./open-snapshots.ts";

const DIGESTS = ["a", "b"].map((letter) => `sha256:${letter.repeat(64)}`);
const SNAPSHOT = gzipSync(
  JSON.stringify({ services: [{ image: `shop@${DIGESTS[0]}` }, { image: DIGESTS[1] }, { image: `x@${DIGESTS[0]}` }] }),
);

let time: SimTime;
let records: Map<string, Uint8Array>;
let ledger: Ledger;

beforeEach(() => {
  time = new SimTime();
  records = new Map();
  const ports = { store: new MemoryStore(records), clock: time.clock(), log: silentLog(), redactor: new Redactor() };
  ledger = new Ledger({ ...ports, random: seededRandom(1), holder: { run: "one", attempt: 1, host: "here" } });
});

const begin = (snapshot?: Uint8Array) => time.run(ledger.claim(0, { intent: "deploy" }, snapshot), 3_600_000);

it("names every digest of a deployment that has not ended, once", async () => {
  await begin(SNAPSHOT);
  expect(await openSnapshots(ledger)).toEqual([{ deployment: 1, digests: DIGESTS }]);
});

it("has none where nothing is open, or nothing was there before", async () => {
  expect(await openSnapshots(ledger)).toEqual([]);
  const tenure = await begin();
  expect(await openSnapshots(ledger)).toEqual([{ deployment: 1, digests: [] }]);
  await time.run(tenure?.end({ outcome: "succeeded" }) ?? Promise.resolve(), 3_600_000);
  expect(await openSnapshots(ledger)).toEqual([]);
});

it("says so when one is no snapshot, or lost in part", async () => {
  await begin(Buffer.from("{}"));
  await expect(openSnapshots(ledger)).rejects.toMatchObject({ code: "LEDGER_ERROR" });
  for (const name of [...records.keys()]) if (name.includes(".snap.")) records.delete(name);
  await expect(openSnapshots(ledger)).rejects.toThrow("is missing");
});
