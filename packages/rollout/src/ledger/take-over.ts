import type { CauseDetail, Finding, Outcome, RunningService } from "@belay/core";
import type { Ledger, OpenDeployment } from "./ledger.ts";
import { isOpen } from "./record-names.ts";
import type { BeginRecord, RunsFacts } from "./records.ts";
import type { Tenure } from "./tenure.ts";
import type { DeadTurn } from "./turn.ts";

/** What became of the target when a dead deployment was put right. */
export interface PutRight {
  readonly outcome: Outcome;
  readonly cause?: CauseDetail;
  readonly runs?: RunsFacts;
  readonly findings?: readonly Finding[];
  readonly running?: readonly RunningService[];
}

export interface TakenOver {
  readonly by: number;
  /** Deployments that got their end, newest first. */
  readonly deployments: readonly number[];
  /** None when nobody had touched anything. */
  readonly result: PutRight | undefined;
}

export interface TakeOverPorts {
  /** As of a target. */
  readonly refusesStale: boolean;
  /** Restores the target to the snapshot of the dead deployment and proves it. */
  readonly putRight: (dead: BeginRecord, tenure: Tenure) => Promise<PutRight>;
  readonly beforeEnd?: (what: "end recovered" | "end") => Promise<void>;
}

/**
 * Takes dead deployments over by claiming the next number (docs/ledger.md). `undefined` when somebody else was faster, or
 * the dead one had just ended: survey again.
 *
 * @throws BelayError FENCED when this run is itself taken over, and whatever `putRight` throws: then it stays open.
 */
export async function takeOver(ledger: Ledger, turn: DeadTurn, ports: TakeOverPorts): Promise<TakenOver | undefined> {
  const recovers = turn.open[0]?.deployment ?? turn.highest;
  const tenure = await ledger.claim(turn.highest, { intent: "recover", recovers });
  if (tenure === undefined) return undefined;
  try {
    return await settle(ledger, turn, tenure, ports);
  } finally {
    tenure.leave();
  }
}

async function settle(
  ledger: Ledger,
  turn: DeadTurn,
  tenure: Tenure,
  ports: TakeOverPorts,
): Promise<TakenOver | undefined> {
  const open = await stillOpen(ledger, turn, ports);
  if (open.length === 0) {
    await tenure.end({ outcome: "withdrawn" });
    return undefined;
  }
  const dead = open.map((one) => one.begin).find((begin) => begin !== undefined && begin.intent !== "recover");
  const result = dead === undefined ? undefined : await ports.putRight(dead, tenure);
  const facts = result ?? { outcome: "withdrawn" as const };
  for (const { deployment } of [...open].reverse()) {
    await ports.beforeEnd?.("end recovered");
    await tenure.guard();
    const cause = result?.outcome === "rolled_back" ? { cause: "recovered" as const } : result?.cause;
    const recovered = { ...facts, ...(cause === undefined ? {} : { cause }), recoveredBy: tenure.deployment };
    await ledger.writeEnd(deployment, recovered);
  }
  await ports.beforeEnd?.("end");
  await tenure.end(facts);
  return { by: tenure.deployment, deployments: open.map((one) => one.deployment), result };
}

/**
 * A holder that showed life between the last look and the claim may still have a change on its way: from its next look on
 * it knows that it was taken over, so after one more life it has stopped. The same holds for one that only its CI calls
 * over; where the engine itself refuses what comes late, half a life is enough (docs/ledger.md).
 */
async function stillOpen(
  ledger: Ledger,
  turn: DeadTurn,
  { refusesStale }: TakeOverPorts,
): Promise<readonly OpenDeployment[]> {
  const newest = turn.open[0]?.deployment;
  let listing = await ledger.list();
  const beat = newest === undefined ? 0 : (listing.numbers.get(newest)?.beat ?? 0);
  const alive = beat > turn.beat;
  if (alive || turn.mayLive) {
    await ledger.clock.sleep(alive || !refusesStale ? ledger.lifeMs : ledger.lifeMs / 2);
    listing = await ledger.list();
  }
  return turn.open.filter((one) => isOpen(listing, one.deployment));
}
