import { sha256 } from "@belay/core";
import { describe, expect, it } from "vitest";
import { chooseDeployment } from "./choose-deployment.ts";
import type { HistoryEntry } from "./history.ts";
import type { BeginRecord, EndRecord, ReleaseFacts } from "./records.ts";

function release(commit: string): ReleaseFacts {
  const images = { web: `registry/web@${sha256(commit)}` };
  return { digest: sha256(`release ${commit}`), source: { repository: "r", revision: commit }, images };
}

interface More {
  readonly outcome?: EndRecord["outcome"];
  readonly before?: number;
  readonly to?: number;
  readonly runs?: EndRecord["runs"];
  readonly open?: boolean;
}

/** An entry whose outcome left itself running. */
function entry(deployment: number, commit: string, more: More = {}): HistoryEntry {
  const { outcome = "succeeded", before, to, open = false } = more;
  const proven = outcome === "succeeded";
  const begin: BeginRecord = {
    schema: "belay.ledger/v1",
    deployment,
    nonce: "n",
    holder: { run: "r", attempt: 1, host: "h" },
    intent: to === undefined ? "deploy" : "rollback",
    ...(to === undefined ? {} : { rollback: { to } }),
    release: release(commit),
    ...(before === undefined ? {} : { before: { deployment: before, proven: true } }),
    beganAt: "2026-01-01T00:00:00Z",
  };
  if (open) return { deployment, begin, open };
  const runs = more.runs ?? { deployment, release: release(commit), proven };
  const end: EndRecord = { schema: "belay.ledger/v1", deployment, nonce: "e", outcome, runs, endedAt: "" };
  return { deployment, begin, end, open };
}

const A = "aaaaaaa1".repeat(5);
const B = "bbbbbbb2".repeat(5);
const C = "ccccccc3".repeat(5);
const D = "ddddddd4".repeat(5);

/** Newest first. */
const LINE = [entry(3, C, { before: 2 }), entry(2, B, { before: 1 }), entry(1, A)];

function choose(to: string, entries: readonly HistoryEntry[] = LINE): number {
  return chooseDeployment(to, entries).deployment;
}

describe("previous", () => {
  it("is what ran before, and asked again what ran before that", () => {
    expect(choose("previous")).toBe(2);
    const once = [entry(4, B, { before: 3, to: 2 }), ...LINE];
    expect(choose("previous", once)).toBe(1);
    const twice = [entry(5, A, { before: 4, to: 1 }), ...once];
    expect(() => choose("previous", twice)).toThrow(/no proven release ran before/);
  });

  it("after a deployment on top of a rollback is what the rollback brought, by its first number", () => {
    const rolled = [entry(5, D, { before: 4 }), entry(4, A, { before: 3, to: 1 }), ...LINE];
    expect(choose("previous", rolled)).toBe(1);
  });

  it("is another release: one that was deployed twice counts once", () => {
    expect(choose("previous", [entry(4, C, { before: 3 }), ...LINE])).toBe(2);
  });

  it("of a failed one that was kept is what ran before it", () => {
    expect(choose("previous", [entry(4, D, { before: 3, outcome: "failed" }), ...LINE])).toBe(3);
  });

  it("after a failed one that was taken back is what ran before the one that runs", () => {
    const runs = { deployment: 3, release: release(C), proven: true };
    expect(choose("previous", [entry(4, D, { before: 3, outcome: "rolled_back", runs }), ...LINE])).toBe(2);
  });

  it("while one is under way is what ran before that one", () => {
    expect(choose("previous", [entry(4, D, { before: 3, open: true }), ...LINE])).toBe(3);
  });

  it("when nobody knows what runs is the last one that was proven", () => {
    const runs = { proven: false };
    expect(choose("previous", [entry(4, D, { before: 3, outcome: "rollback_failed", runs }), ...LINE])).toBe(3);
  });

  it("goes by the numbers where the ledger does not say what ran before", () => {
    expect(choose("previous", [entry(4, D), ...LINE])).toBe(3);
  });
});

describe("a number or a commit", () => {
  it("is that deployment, or the newest of that commit", () => {
    expect(choose("1")).toBe(1);
    expect(choose(B)).toBe(2);
    expect(choose(" CCCCCCC ")).toBe(3);
    expect(choose("aaaaaaa", [entry(4, A, { before: 3 }), ...LINE])).toBe(4);
  });

  it("of seven digits may be a commit", () => {
    expect(choose("1234567", [entry(4, `1234567${"0".repeat(33)}`), ...LINE])).toBe(4);
  });

  const failed = entry(4, D, { outcome: "rolled_back" });
  it.each([
    ["9", LINE, /no deployment 9/],
    ["0", LINE, /no deployment 0/],
    ["4", [failed, ...LINE], /never proven: it ended as rolled_back/],
    ["4", [entry(4, D, { open: true }), ...LINE], /never proven: it has not ended/],
    ["1", LINE.slice(0, 2), /not in the ledger any more/],
    ["ddddddd", [failed, ...LINE], /no proven deployment of the ledger is of the commit ddddddd/],
    ["aaaaaa", LINE, /neither previous, nor a number/],
    ["--help", LINE, /neither previous, nor a number/],
    ["aaaaaaa", [entry(4, "aaaaaaab", {}), ...LINE], /may mean aaaaaaab or aaaaaaa1/],
  ] as const)(
    "%s is refused when it means none or two, and the message tells what there is",
    (to, entries, message) => {
      expect(() => choose(to, entries)).toThrow(message);
      expect(() => choose(to, entries)).toThrow(/There is to go back to: 3 \(commit ccccccc3cccc\)|: 4 \(commit/);
    },
  );

  it("from an empty ledger says that there is nothing", () => {
    expect(() => choose("previous", [])).toThrow(/no proven deployment to go back to/);
  });
});
