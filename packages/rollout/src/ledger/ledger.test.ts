import { BelayError, Redactor, type RolloutPolicy, sha256 } from "@belay/core";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { seededRandom } from "../testing/seeded-random.ts";
import { silentLog } from "../testing/silent-log.ts";
import { SimTime } from "../testing/sim-time.ts";
import { CHUNK_BYTES } from "./chunks.ts";
import { current, history } from "./history.ts";
import { Ledger } from "./ledger.ts";
import { MemoryStore, type StoreFault } from "./memory-store.ts";
import { readListing, recordName } from "./record-names.ts";
import type { Tenure } from "./tenure.ts";
import { awaitTurn } from "./turn.ts";

const LIFE_MS = 30_000;
const DRAFT = { intent: "deploy" } as const;

let time: SimTime;
let records: Map<string, Uint8Array>;
let faults: StoreFault[];
let answerMs: number;
let redactor: Redactor;

beforeEach(() => {
  time = new SimTime();
  records = new Map();
  faults = [];
  answerMs = 0;
  redactor = new Redactor();
});

function open(name = "one", keep = { proven: 2, any: 4, most: 6 }, clock = time.clock()): Ledger {
  const store = new MemoryStore(records, { onCall: answer });
  const ports = { store, clock, log: silentLog(), redactor, random: seededRandom(name.length) };
  return new Ledger({ ...ports, holder: { run: name, attempt: 1, host: "here" }, keep });
}

async function answer(): Promise<StoreFault | undefined> {
  if (answerMs > 0) await time.sleep(answerMs);
  return faults.shift();
}

function inTime<T>(work: Promise<T>): Promise<T> {
  return time.run(work, 3_600_000);
}

async function claimed(ledger: Ledger, after: number, snapshot?: Uint8Array): Promise<Tenure> {
  const tenure = await inTime(ledger.claim(after, DRAFT, snapshot));
  if (tenure === undefined) throw new Error("the claim was lost");
  return tenure;
}

function lost(when: StoreFault["when"]): StoreFault {
  return { when, error: new BelayError("ENGINE_UNREACHABLE", { doing: "writing", got: "the answer was lost" }) };
}

function turn(ledger: Ledger, onAlive: "wait" | "return", isOver = async () => false) {
  const signal = new AbortController().signal;
  return inTime(awaitTurn(ledger, { onAlive, patienceMs: 600_000, signal, random: () => 0.5, isOver }));
}

describe("a claim", () => {
  it("writes the snapshot in chunks before the begin that names them", async () => {
    const snapshot = Buffer.alloc(CHUNK_BYTES * 2 + 1, "x");
    snapshot.write("different", CHUNK_BYTES);
    const tenure = await claimed(open(), 0, snapshot);
    expect([...records.keys()].map((name) => name.replace(/[0-9a-f]{16}$/, "…"))).toEqual([
      "0001.snap.…",
      "0001.snap.…",
      "0001.snap.…",
      "0001.begin",
    ]);
    expect(Buffer.compare(await inTime(open().readSnapshot(tenure.begin)), snapshot)).toBe(0);
    tenure.leave();
  });

  it("is never two, when one goes on after a lost number and one does not", async () => {
    const over = open("a").claim(0, DRAFT, undefined, 5);
    const both = await inTime(Promise.all([over, open("bb").claim(0, DRAFT)]));
    expect(both.filter((one) => one !== undefined).length).toBeLessThan(2);
    for (const one of both) one?.leave();
  });

  it("goes to one of two", async () => {
    const both = await inTime(Promise.all([open("a").claim(0, DRAFT), open("bb").claim(0, DRAFT)]));
    expect(both.filter((one) => one !== undefined)).toHaveLength(1);
    for (const one of both) one?.leave();
  });

  it.each(["before", "after"] as const)("survives an answer that is lost %s the write", async (when) => {
    faults = [lost(when)];
    expect((await claimed(open(), 0)).deployment).toBe(1);
  });

  it("writes a chunk again whose content the engine lost", async () => {
    const name = recordName.snap(1, sha256("snapshot"));
    records.set(name, new Uint8Array());
    const tenure = await claimed(open(), 0, Buffer.from("snapshot"));
    expect(Buffer.from(await inTime(open().readSnapshot(tenure.begin))).toString("utf8")).toBe("snapshot");
  });

  it("of a number that was compacted is withdrawn", async () => {
    records.set("0009.begin", records.get("x") ?? Buffer.from("{}"));
    records.set("0009.end", Buffer.from("{}"));
    expect(await inTime(open().claim(2, DRAFT))).toBeUndefined();
    expect(readListing([...records.keys()]).numbers.get(3)).toMatchObject({ begin: true, end: true });
    expect(await turn(open(), "wait")).toEqual({ kind: "free", highest: 9 });
  });
});

describe("a damaged snapshot", () => {
  it.each([
    ["missing", (name: string) => records.delete(name)],
    ["damaged", (name: string) => records.set(name, Buffer.from("other"))],
  ])("is found: %s", async (word, harm) => {
    const tenure = await claimed(open(), 0, Buffer.from("snapshot"));
    harm([...records.keys()].find((name) => name.includes("snap")) ?? "");
    await expect(inTime(open().readSnapshot(tenure.begin))).rejects.toMatchObject({
      code: "LEDGER_ERROR",
      got: expect.stringContaining(word),
    });
  });
});

describe("life", () => {
  it("is shown three times per life, and old beats go", async () => {
    const tenure = await claimed(open(), 0);
    await inTime(time.sleep(LIFE_MS * 2 + 100));
    tenure.leave();
    expect([...records.keys()].filter((name) => name.includes("beat"))).toEqual(["0001.beat.6"]);
  });

  it("keeps a waiter waiting, or tells it at the next beat", async () => {
    const tenure = await claimed(open(), 0);
    expect(await turn(open("two"), "return")).toMatchObject({ kind: "alive", open: [{ deployment: 1 }] });
    expect(time.now).toBeLessThan(LIFE_MS / 2);
    tenure.leave();
  });

  it("ends one life after the last beat", async () => {
    (await claimed(open(), 0)).leave();
    const since = time.now;
    expect(await turn(open("two"), "wait")).toMatchObject({ kind: "dead", highest: 1, beat: 0 });
    expect(time.now - since).toBeGreaterThanOrEqual(LIFE_MS);
    expect(time.now - since).toBeLessThan(LIFE_MS * 1.2);
  });

  it("may have ended at once where its CI says so", async () => {
    (await claimed(open(), 0)).leave();
    expect(await turn(open("two"), "wait", async () => true)).toMatchObject({ kind: "dead", mayLive: true });
    expect(time.now).toBe(0);
  });

  it("is over for a record without content too", async () => {
    records.set(recordName.begin(1), new Uint8Array());
    expect(await turn(open(), "wait")).toMatchObject({ kind: "dead", open: [{ deployment: 1, begin: undefined }] });
  });
});

describe("a holder that was taken over", () => {
  it("is told by its own proof of life", async () => {
    const tenure = await claimed(open(), 0);
    const other = await inTime(open("other").claim(1, { intent: "recover", recovers: 1 }));
    await inTime(time.sleep(LIFE_MS / 3 + 1));
    expect(tenure.signal.reason).toMatchObject({ code: "FENCED" });
    expect(() => tenure.mayChangeInPassing()).toThrow(expect.objectContaining({ code: "FENCED" }));
    await expect(tenure.guard()).rejects.toMatchObject({ code: "FENCED" });
    await expect(inTime(tenure.end({ outcome: "succeeded" }))).rejects.toMatchObject({ code: "FENCED" });
    expect(records.has("0001.end")).toBe(false);
    for (const one of [tenure, other]) one?.leave();
  });

  it("may not act when it could not show life for half a life, and may again after", async () => {
    const tenure = await claimed(open(), 0);
    faults = Array.from({ length: 40 }, () => lost("before"));
    await inTime(time.sleep(LIFE_MS));
    expect(tenure.signal.aborted).toBe(true);
    expect(() => tenure.mayChangeInPassing()).toThrow(expect.objectContaining({ code: "LEDGER_ERROR" }));
    faults = [];
    // A look needs no step's guard before it, only the next proof.
    await inTime(time.sleep(LIFE_MS / 2));
    tenure.mayChangeInPassing();
    expect(tenure.signal.aborted).toBe(true);
    await inTime(tenure.guard());
    expect(tenure.signal.aborted).toBe(false);
    tenure.leave();
  });

  it.each([
    ["goes on when the next proof comes at once", [], false],
    ["does not when that fails", [{ when: "before", error: new Error("no") } as const], true],
  ])("whose wall clock was set forward %s", async (_, failures, isCut) => {
    const clock = time.clock();
    let stepMs = 0;
    const stepped = { ...clock, date: () => new Date(clock.date().getTime() + stepMs) };
    const tenure = await claimed(open("one", undefined, stepped), 0);
    stepMs = LIFE_MS / 2;
    answerMs = LIFE_MS / 100;
    faults = [...failures];
    await inTime(time.sleep(LIFE_MS / 3 + 3 * answerMs));
    expect(tenure.signal.aborted).toBe(isCut);
    tenure.leave();
  });

  it.each(["stopped process", "suspended machine"])("may not change anything when it was a %s", async (which) => {
    const clock = time.clock();
    let asleepMs = 0;
    const slept = {
      now: () => clock.now() + (which === "stopped process" ? asleepMs : 0),
      date: () => new Date(clock.date().getTime() + asleepMs),
    };
    const tenure = await claimed(open("one", undefined, { ...clock, ...slept }), 0);
    tenure.mayChange();
    // No timer has fired meanwhile, and none does before it asks.
    asleepMs = LIFE_MS / 2;
    expect(() => tenure.mayChange()).toThrow(expect.objectContaining({ code: "LEDGER_ERROR" }));
    expect(tenure.signal.aborted).toBe(true);
    await inTime(tenure.guard());
    tenure.mayChange();
    asleepMs = LIFE_MS;
    const other = await inTime(open("other").claim(1, { intent: "recover", recovers: 1 }));
    await expect(inTime(tenure.guard())).rejects.toMatchObject({ code: "FENCED" });
    expect(() => tenure.mayChange()).toThrow(expect.objectContaining({ code: "FENCED" }));
    for (const one of [tenure, other]) one?.leave();
  });

  it("learns it from an end that stands already", async () => {
    const tenure = await claimed(open(), 0);
    records.set("0001.end", Buffer.from("somebody's"));
    await expect(inTime(tenure.end({ outcome: "succeeded" }))).rejects.toMatchObject({ code: "FENCED" });
  });
});

async function deployments(outcomes: readonly ("succeeded" | "rolled_back" | "failed")[]): Promise<void> {
  for (const [index, outcome] of outcomes.entries()) {
    const tenure = await claimed(open(), index, Buffer.from(`snapshot ${index}`));
    const runs = { deployment: outcome === "succeeded" ? index + 1 : index, proven: true };
    await inTime(tenure.end({ outcome, runs }));
  }
}

describe("history and compaction", () => {
  it("read no begin to see that nothing is open", async () => {
    const ledger = open();
    await inTime((await claimed(ledger, 0)).end({ outcome: "succeeded" }));
    const readBegin = vi.spyOn(ledger, "readBegin");
    expect(await inTime(ledger.findOpen(await inTime(ledger.list())))).toEqual([]);
    expect(readBegin).not.toHaveBeenCalled();
  });

  it("lists the newest first, open ones too, withdrawn ones not", async () => {
    await deployments(["succeeded", "rolled_back"]);
    await inTime(open().writeEnd(3, { outcome: "withdrawn" }));
    records.set("0003.begin", Buffer.from("{}"));
    (await claimed(open(), 3)).leave();
    const entries = await inTime(history(new MemoryStore(records)));
    expect(entries.map((one) => [one.deployment, one.open, one.end?.outcome])).toEqual([
      [4, true, undefined],
      [2, false, "rolled_back"],
      [1, false, "succeeded"],
    ]);
    expect(await inTime(history(new MemoryStore(records), 1))).toHaveLength(1);
    expect(await inTime(current(new MemoryStore(records)))).toEqual({ deployment: 1, proven: true });
  });

  it("keeps the last proven ones and the last of any kind, whole", async () => {
    await deployments([
      "succeeded",
      "succeeded",
      "succeeded",
      "rolled_back",
      "rolled_back",
      "rolled_back",
      "rolled_back",
    ]);
    await inTime(open().compact());
    const { numbers } = readListing([...records.keys()]);
    expect([...numbers.keys()].sort()).toEqual([2, 3, 4, 5, 6, 7]);
    for (const one of numbers.values())
      expect(one.names.map((name) => name.split(".")[1]).sort()).toEqual(["begin", "end", "snap"]);
  });

  it("keep what tells how a proven one left the target: those that failed and stayed, as far as there is room", async () => {
    const numbersAfter = async (failed: number): Promise<number[]> => {
      records.clear();
      const rolledBack = Array.from({ length: 5 }, () => "rolled_back" as const);
      const stayed = Array.from({ length: failed }, () => "failed" as const);
      await deployments(["succeeded", "rolled_back", ...stayed, "succeeded", ...rolledBack]);
      await inTime(open().compact());
      return [...readListing([...records.keys()]).numbers.keys()].sort((a, b) => a - b);
    };
    expect(await numbersAfter(1)).toEqual([1, 3, 4, 6, 7, 8, 9]);
    // Then the lower proven one goes first: what it left could not be told any more.
    expect(await numbersAfter(6)).toEqual([9, 11, 12, 13, 14]);
  });

  it("removes what no begin names, and what nobody claimed, but nothing above the highest", async () => {
    await deployments(["succeeded", "succeeded"]);
    for (const name of ["0001.snap.0123456789abcdef", "0001.beat.7", "0003.snap.0123456789abcdef"])
      records.set(name, Buffer.from("x"));
    await inTime(open().compact());
    const left = [...records.keys()].filter((name) => !/begin|end/.test(name)).map((name) => name.slice(0, 9));
    expect(left.sort()).toEqual(["0001.snap", "0002.snap", "0003.snap"]);
    expect(records.has("0003.snap.0123456789abcdef")).toBe(true);
    expect(records.has("0001.snap.0123456789abcdef")).toBe(false);
  });

  it("keeps the policy and the release of a begin readable", async () => {
    const policy = { deadlineMs: 5 } as RolloutPolicy;
    const tenure = await inTime(open().claim(0, { intent: "deploy", policy }));
    expect(await inTime(open().readBegin(1))).toMatchObject({ policy, holder: { run: "one" }, deployment: 1 });
    tenure?.leave();
  });

  it("reads records of a later version, or of nobody, as unknown", async () => {
    records.set("0001.begin", Buffer.from('{"schema":"belay.ledger/v9","intent":"deploy"}'));
    records.set("0001.end", Buffer.from("not json"));
    expect(await inTime(open().readBegin(1))).toBeUndefined();
    expect(await inTime(history(new MemoryStore(records)))).toEqual([{ deployment: 1, open: false }]);
  });
});
