import { type RolloutPolicy, systemClock } from "@belay/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FaultName } from "../contract/cases.ts";
import { type Disturbed, FaultBook } from "./fault-book.ts";
import type { FaultStand, Moment } from "./fault-stand.ts";
import { type Disturbance, FaultTrial, type Settled } from "./fault-trial.ts";

/** Faults that can come at any moment of a run. */
const ANYTIME: readonly FaultName[] = [
  "engine restarted",
  "engine killed and started",
  "ledger removed",
  "disk full",
  "node drained and back",
  "connections cut once",
  "engine's store away for a while",
  "node's agent away for a while",
];

/** Of which nothing is to be seen, so that the table has no line for it. */
const REGISTRY_GONE = "registry down after the pull";

/** Everything, instead of the selection that fits into `npm test`. */
const SOAK = process.env.BELAY_SOAK === "1";

/** `BELAY_FAULT_MOMENT="restore act"`: these faults come at that moment only, so that a failure can be looked into. */
const ONLY = process.env.BELAY_FAULT_MOMENT;

/** Each fault comes at one of the moments, by turns. `BELAY_SOAK=1`: each moment sees all. */
function momentsOf(stand: FaultStand, fault: FaultName): readonly Moment[] {
  const { moments, soaked = [], first = 0, also = {} } = stand;
  if (ONLY !== undefined) return [theOnly(stand, ONLY)];
  if (SOAK) return [...moments, ...soaked];
  const more = also[fault] ?? [];
  const turn = (ANYTIME.indexOf(fault) + first) % moments.length;
  return moments.filter(([step], index) => index === turn || more.includes(step));
}

function theOnly({ moments, soaked = [], title }: FaultStand, name: string): Moment {
  const all = [...moments, ...soaked];
  const found = all.find((moment) => moment.join(" ") === name);
  if (found !== undefined) return found;
  throw new Error(`${title} has no moment "${name}", but ${all.map((one) => one.join(" ")).join(", ")}`);
}

/** What every group of cases works with. */
interface Stage {
  readonly stand: () => FaultStand;
  /** Disturbs a run, settles what came of it and notes both, where the fault has a line in the table. */
  readonly tried: (fault: FaultName | typeof REGISTRY_GONE, disturbance: Disturbance, check?: Check) => Promise<void>;
}

type Check = (disturbed: Disturbed, settled: Settled, trial: FaultTrial) => void;

/**
 * What goes wrong around a deployment, on a real engine. Each case ends by the same questions: is that true which Belay
 * said, and does the next deployment work? A look by the engine's plain command line, in another process, answers them.
 */
export function faultSuite(title: string, open: () => Promise<FaultStand>): void {
  describe(title, { timeout: 900_000 }, () => {
    let stand: FaultStand;
    const book = new FaultBook();
    let trial: FaultTrial | undefined;
    let count = 0;
    beforeAll(async () => {
      stand = await open();
    });
    afterAll(async () => {
      if (stand === undefined) return;
      // A fault that came at a moment of choice is no line of the table.
      if (ONLY === undefined) await book.close(stand.title);
      await stand.stop();
    });

    /** An application that is as it should be; one on which a case has failed is left behind. */
    async function soundTrial(): Promise<FaultTrial> {
      if (trial?.isSound) return trial;
      await trial?.app.remove().catch(() => undefined);
      trial = await FaultTrial.open(stand, `f${process.pid}n${++count}`);
      return trial;
    }

    async function tried(
      fault: FaultName | typeof REGISTRY_GONE,
      disturbance: Disturbance,
      check?: Check,
    ): Promise<void> {
      const one = await soundTrial();
      const lines = one.app.log.lines.length;
      const moment = disturbance.at?.join(" ") ?? "before";
      try {
        const disturbed = await one.disturb(disturbance);
        const settled = await one.settle(disturbed);
        if (fault !== REGISTRY_GONE) book.note(stand.title, fault, moment, disturbed, settled.recovery);
        check?.(disturbed, settled, one);
      } finally {
        await book.keepLog(stand.title, `${fault}, ${moment}`, one.app.log.lines.slice(lines));
      }
    }

    const stage: Stage = { stand: () => stand, tried };
    anytimeFaults(stage, book);
    engineGone(stage);
    registryDown(stage);
    registryGone(stage);
    registrySilent(stage);
    frozenRelease(stage, book);
    networkFaults(stage);
    if (SOAK) longFaults(stage);
    agentGone(stage, book);
  });
}

function anytimeFaults({ stand, tried }: Stage, book: FaultBook): void {
  it.each(ANYTIME)("tells the truth: %s", async (fault) => {
    const breakage = stand().breakages[fault];
    if (breakage === undefined) return skip(stand(), book, fault);
    const { strike, ...rest } = breakage;
    const check = checkOf(stand(), fault);
    for (const at of momentsOf(stand(), fault))
      await tried(fault, { at, act: ({ app }) => strike(app), ...rest }, check);
  });
}

/** What is true whenever the fault comes. */
function checkOf({ keepsGood }: FaultStand, fault: FaultName): Check | undefined {
  switch (fault) {
    // What takes instances down that have done nothing wrong.
    case "engine restarted":
    case "engine killed and started":
      return keepsGood ? expectKept : expectNoCrash;
    case "node drained and back":
      return expectNoCrash;
    // Instances run on meanwhile.
    case "ledger removed":
    case "connections cut once":
    case "engine's store away for a while":
    case "node's agent away for a while":
      return expectUndisturbed;
    default:
      return undefined;
  }
}

/** As if nothing had been: a good release is there, and a bad one is off again, for its own reason. */
const expectUndisturbed: Check = ({ result }, { runs }, trial) => {
  const context = `${JSON.stringify(result?.report)}\n${trial.app.log.text()}`;
  const isBad = trial.to === "crash";
  const end = isBad ? { outcome: "rolled_back", cause: { cause: "crash_loop" } } : { outcome: "succeeded" };
  expect(result, context).toMatchObject({ ...end, leftOpen: false });
  expect(runs, context).toBe(isBad ? "old" : "new");
};

/** Whatever came of a good release, it did not crash. On the way back it is a bad one that is disturbed, which did. */
const expectNoCrash: Check = ({ result }, _, trial) => {
  if (trial.to === "crash") return;
  const context = `${JSON.stringify(result?.report)}\n${trial.app.log.text()}`;
  expect(["crash_loop", "exited"], context).not.toContain(result?.cause?.cause);
};

/** Nor was there anything that could not be started. */
const expectKept: Check = (disturbed, settled, trial) => {
  expectNoCrash(disturbed, settled, trial);
  if (trial.to === "crash") return;
  const { report, cause } = disturbed.result ?? {};
  const context = `${JSON.stringify(report)}\n${trial.app.log.text()}`;
  expect(cause?.cause, context).not.toBe("start_failed");
  // An end that could not be written hides why the release was taken off.
  expect(report?.likelyCause ?? "", context).not.toContain("taken off");
};

function skip(stand: FaultStand, book: FaultBook, fault: FaultName): void {
  const reason = stand.impossible[fault];
  if (reason === undefined) throw new Error(`${stand.title} has neither "${fault}" nor a reason why it can't be`);
  book.noteImpossible(fault, reason);
}

/** Just after the new release is on its way. */
function underWay({ stage }: FaultStand): Moment {
  return ["watch", stage];
}

const SHORT: Partial<RolloutPolicy> = { deadlineMs: 8_000 };

function expectUnknown({ result }: Disturbed): void {
  expect(result).toMatchObject({ leftOpen: true, cause: { cause: "engine_unreachable" } });
  expect(["timed_out", "unverified"]).toContain(result?.outcome);
}

function engineGone({ stand, tried }: Stage): void {
  it("says that it does not know when the engine is gone for longer than a run waits", async () => {
    const fault = { at: underWay(stand()), act: () => stand().killEngine(), policy: SHORT };
    const mend = () => stand().startEngine();
    await tried("engine gone for longer than a run waits", { ...fault, mend }, expectUnknown);
  });
}

/** Until the cluster has given its only node up, and with it every pod: then nothing of either release is ready. */
function agentGone({ stand, tried }: Stage, book: FaultBook): void {
  const fault = "node's agent gone for longer than a run waits";
  it("says that nothing is ready when the node's agent stays away", async () => {
    const breakage = stand().breakages[fault];
    if (breakage === undefined) return skip(stand(), book, fault);
    // It takes minutes.
    if (!SOAK) return;
    const { strike, ...rest } = breakage;
    const policy = { startMs: 90_000, deadlineMs: 120_000 };
    await tried(fault, { at: underWay(stand()), act: ({ app }) => strike(app), policy, ...rest }, ({ result }) => {
      const running = [expect.objectContaining({ ready: 0 })];
      expect(result).toMatchObject({ outcome: "rollback_failed", leftOpen: false, report: { running } });
    });
  });
}

const expectNoImage: Check = ({ result }, { runs }) => {
  if (runs === "old") expect(result?.cause?.cause).toBe("image_unavailable");
};

function registryDown({ stand, tried }: Stage): void {
  it("takes a release off whose registry goes down before the pull", async () => {
    const mend = () => stand().registry.start();
    const fault = { at: ["act", stand().stage], act: () => stand().registry.kill(), first: true, mend } as const;
    await tried("registry down before the pull", fault, (disturbed, settled, trial) => {
      expect(settled.runs).toBe("old");
      expectNoImage(disturbed, settled, trial);
    });
  });
}

/** What runs needs no registry any more. */
function registryGone({ stand, tried }: Stage): void {
  it("goes on without the registry once each instance runs", async () => {
    const act = async (trial: FaultTrial): Promise<void> => {
      await trial.allRun(trial.to);
      await stand().registry.kill();
    };
    const mend = () => stand().registry.start();
    const fault = { at: underWay(stand()), act, first: true, mend } as const;
    await tried(REGISTRY_GONE, fault, expectUndisturbed);
  });
}

/** An engine waits for its registry as long as that keeps the line: only the run's own patience ends it. */
function registrySilent({ stand, tried }: Stage): void {
  it("takes a release off whose pull hangs", async () => {
    const mend = () => stand().registry.start();
    const policy = { startMs: 8_000, deadlineMs: 20_000 };
    const fault = {
      at: ["act", stand().stage],
      act: () => stand().registry.freeze(),
      first: true,
      mend,
      policy,
    } as const;
    await tried("registry silent during the pull", fault, ({ result }, { runs }) => {
      expect(result).toMatchObject({ outcome: "rolled_back", leftOpen: false });
      expect(["start_timeout", "timed_out", "image_unavailable"]).toContain(result?.cause?.cause);
      expect(runs).toBe("old");
    });
  });
}

function frozenRelease({ stand, tried }: Stage, book: FaultBook): void {
  it("takes a frozen release off again", async () => {
    if (stand().impossible["frozen release"] !== undefined) return skip(stand(), book, "frozen release");
    const act = async (trial: FaultTrial): Promise<void> => {
      const [digest = ""] = await trial.digests(trial.to);
      await trial.app.freeze?.(digest);
    };
    const fault = { at: underWay(stand()), act, policy: { startMs: 8_000 } };
    await tried("frozen release", fault, ({ result }) => expect(result).toMatchObject({ outcome: "rolled_back" }));
  });
}

function networkFaults({ stand, tried }: Stage): void {
  it("goes on when the network heals in time", async () => {
    const act = async (): Promise<void> => {
      stand().network.silence();
      await systemClock.sleep(4_000, new AbortController().signal);
      stand().network.heal();
    };
    await tried("network silent for 4 s", { at: underWay(stand()), act }, ({ result }) => {
      expect(result).toMatchObject({ outcome: "succeeded", leftOpen: false });
    });
  });

  it("says that it does not know when the network stays cut", async () => {
    const mend = async (): Promise<void> => stand().network.heal();
    const fault = { act: () => stand().network.cut(), policy: SHORT, mend };
    const back = stand().also?.["network cut to the end"] ?? [];
    const moments = [underWay(stand()), ...stand().moments.filter(([step]) => back.includes(step))];
    for (const at of moments) await tried("network cut to the end", { ...fault, at }, expectUnknown);
  });
}

/** What takes long and differs from other cases by little. */
function longFaults({ stand, tried }: Stage): void {
  // A small image may be there before the kill is.
  it("tells the truth when the registry goes down in the middle of the pull", async () => {
    const act = async (trial: FaultTrial): Promise<void> => {
      const [digest = ""] = await trial.digests(trial.to);
      await trial.app.pulling(digest);
      await stand().registry.kill();
    };
    const mend = () => stand().registry.start();
    const fault = { at: ["act", stand().stage], act, mend } as const;
    await tried("registry down in the middle of the pull", fault, expectNoImage);
  });

  it("says that it does not know when the network stays silent", async () => {
    const mend = async (): Promise<void> => stand().network.heal();
    const fault = { at: underWay(stand()), act: () => stand().network.silence(), policy: SHORT, mend };
    await tried("network silent to the end", fault, expectUnknown);
  });

  it("deploys over a slow network as over a fast one", async () => {
    const act = () => stand().network.slow(50);
    const mend = async (): Promise<void> => stand().network.slow(0);
    // Some hundred requests, most of them a tool's own, each of which waits for its answer.
    const fault = { act, mend, policy: { startMs: 150_000, deadlineMs: 300_000 } };
    await tried("network with a delay of 100 ms", fault, ({ result }) => {
      expect(result).toMatchObject({ outcome: "succeeded" });
    });
  });
}
