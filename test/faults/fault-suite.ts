import { DEFAULT_ROLLOUT, messageOf, type RolloutPolicy, systemClock } from "@belay/core";
import { type DeploymentResult, deploy, type RecoveryResult, type RolloutPorts, recover } from "@belay/rollout";
import { waitUntil } from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FaultApp, FaultStand, GoodVariant } from "./fault-stand.ts";

const POLICY: RolloutPolicy = {
  ...DEFAULT_ROLLOUT,
  crashes: 1,
  stableMs: 1_000,
  drainMs: 500,
  startMs: 30_000,
  deadlineMs: 60_000,
};
const LIFE_MS = 6_000;
const INSTANCES = 2;

interface Disturbance {
  /** The step before which it happens; `undefined`: before the run. */
  readonly at?: readonly [step: string, stage?: string | undefined];
  /** The run goes on into it. */
  readonly act: (app: FaultApp) => unknown;
  /** The run waits until it is done. */
  readonly first?: true;
  readonly policy?: Partial<RolloutPolicy>;
}

interface Disturbed {
  /** Nothing: the run was refused by an error before it began anything. */
  readonly result?: DeploymentResult;
  readonly thrown?: string;
}

/** Faults that can come at any moment of a run. */
const ANYTIME = ["engine stop", "engine kill", "disk", "ledger"] as const;

/** Each moment sees two of the faults, and each fault every other moment. `BELAY_SOAK=1`: each sees all. */
function momentsOf(stand: FaultStand, fault: (typeof ANYTIME)[number]): FaultStand["moments"] {
  const turn = ANYTIME.indexOf(fault) % 2;
  return stand.moments.filter((_, index) => process.env.BELAY_SOAK === "1" || index % 2 === turn);
}

/** What every group of cases works with. */
interface Stage {
  readonly title: string;
  readonly stand: () => FaultStand;
  readonly running: () => Promise<FaultApp & AsyncDisposable>;
  readonly disturb: (app: FaultApp, disturbance: Disturbance) => Promise<Disturbed>;
}

/**
 * What goes wrong around a deployment, on a real engine. Each case ends by the same question: is that true which Belay
 * said? A look by the engine's plain command line, in another process, answers it.
 */
export function faultSuite(title: string, open: () => Promise<FaultStand>): void {
  describe(title, { timeout: 900_000 }, () => {
    let stand: FaultStand;
    let count = 0;
    beforeAll(async () => {
      stand = await open();
    });
    afterAll(() => stand?.stop());

    /** An application on which `good1` runs, by Belay. */
    async function running(): Promise<FaultApp & AsyncDisposable> {
      const app = await stand.app(`f${process.pid}n${++count}`);
      const first = await run(app, "good1");
      expect(first.result, first.thrown ?? app.log.text()).toMatchObject({ outcome: "succeeded" });
      return { ...app, [Symbol.asyncDispose]: () => app.remove() };
    }

    async function disturb(app: FaultApp, disturbance: Disturbance): Promise<Disturbed> {
      let acting: unknown;
      let acted = false;
      const strike = (): void => {
        acted = true;
        acting = disturbance.act(app);
      };
      if (disturbance.at === undefined) strike();
      const onStep = async (step: string, stage?: string): Promise<void> => {
        if (acted || step !== disturbance.at?.[0] || (stage ?? "") !== (disturbance.at[1] ?? "")) return;
        strike();
        if (disturbance.first) await acting;
      };
      const disturbed = await run(app, "good2", { onStep }, disturbance.policy);
      expect(acted, `the run never came to ${disturbance.at}: ${app.log.text()}`).toBe(true);
      await acting;
      return disturbed;
    }

    const stage: Stage = { title, stand: () => stand, running, disturb };
    engineFaults(stage);
    surroundingFaults(stage);
    networkFaults(stage);
  });
}

function engineFaults(stage: Stage): void {
  for (const how of ["stop", "kill"] as const) {
    it(`tells the truth when the engine is ${how === "stop" ? "restarted" : "killed and started"} at any moment`, async () => {
      for (const at of momentsOf(stage.stand(), `engine ${how}`)) {
        await using app = await stage.running();
        const act = async (): Promise<void> => {
          await stage.stand().endEngine(how);
          await stage.stand().startEngine();
        };
        const disturbed = await stage.disturb(app, { at, act });
        note(stage.title, `engine ${how} at ${at.join(" ")}`, disturbed, await settle(app, disturbed));
      }
    });
  }

  it("tells the truth when the engine is gone for longer than a run waits", async () => {
    await using app = await stage.running();
    const act = () => stage.stand().endEngine("kill");
    const disturbed = await stage.disturb(app, {
      at: ["watch", stage.stand().moments[0]?.[1]],
      act,
      policy: { deadlineMs: 8_000 },
    });
    expect(disturbed.result).toMatchObject({ leftOpen: true, cause: { cause: "engine_unreachable" } });
    await stage.stand().startEngine();
    note(stage.title, "engine gone", disturbed, await settle(app, disturbed));
  });
}

function surroundingFaults(stage: Stage): void {
  it.each(["before the pull", "in the middle of it"])(
    "takes a release off whose registry goes down %s",
    async (when) => {
      await using app = await stage.running();
      const act = async (): Promise<void> => {
        if (when === "before the pull") await stage.stand().registry.kill();
        else app.log.onLine((line) => void (line.includes("pulling") && stage.stand().registry.kill()));
      };
      const at = ["act", stage.stand().moments[0]?.[1]] as const;
      const disturbed = await stage.disturb(app, { at, act, first: true });
      await stage.stand().registry.start();
      const settled = await settle(app, disturbed);
      note(stage.title, `registry down ${when}`, disturbed, settled);
      // In the middle, a small image may be there before the kill is.
      if (when === "before the pull") expect(settled.runs).toBe("good1");
      if (settled.runs === "good1") expect(disturbed.result?.cause?.cause).toBe("image_unavailable");
    },
  );

  it("tells the truth when the disk of the engine is full", async () => {
    for (const at of momentsOf(stage.stand(), "disk")) {
      await using app = await stage.running();
      const disturbed = await stage
        .disturb(app, { at, act: () => stage.stand().fillDisk(), first: true })
        .finally(() => stage.stand().freeDisk());
      note(stage.title, `disk full at ${at.join(" ")}`, disturbed, await settle(app, disturbed));
    }
  });

  it("takes a frozen release off again", async () => {
    await using app = await stage.running();
    const act = () => app.freeze("good2");
    const disturbed = await stage.disturb(app, {
      at: ["watch", stage.stand().moments[0]?.[1]],
      act,
      policy: { startMs: 8_000 },
    });
    expect(disturbed.result, app.log.text()).toMatchObject({ outcome: "rolled_back" });
    note(stage.title, "frozen", disturbed, await settle(app, disturbed));
  });

  it("says nothing wrong when its ledger is removed under it", async () => {
    for (const at of momentsOf(stage.stand(), "ledger")) {
      await using app = await stage.running();
      const disturbed = await stage.disturb(app, { at, act: () => app.loseLedger(), first: true });
      note(stage.title, `ledger removed at ${at.join(" ")}`, disturbed, await settle(app, disturbed));
    }
  });
}

function networkFaults(stage: Stage): void {
  it("goes on when the network heals in time", async () => {
    await using app = await stage.running();
    const act = async (): Promise<void> => {
      stage.stand().network.silence();
      await systemClock.sleep(4_000, new AbortController().signal);
      stage.stand().network.heal();
    };
    const disturbed = await stage.disturb(app, { at: ["watch", stage.stand().moments[0]?.[1]], act });
    expect(disturbed.result, app.log.text()).toMatchObject({ outcome: "succeeded", leftOpen: false });
    note(stage.title, "network silent for 4 s", disturbed, await settle(app, disturbed));
  });

  it.each(["silent", "cut"] as const)("says that it does not know when the network stays %s", async (how) => {
    await using app = await stage.running();
    const act = () => (how === "cut" ? stage.stand().network.cut() : stage.stand().network.silence());
    const disturbed = await stage.disturb(app, {
      at: ["watch", stage.stand().moments[0]?.[1]],
      act,
      policy: { deadlineMs: 8_000 },
    });
    expect(disturbed.result, app.log.text()).toMatchObject({
      leftOpen: true,
      cause: { cause: "engine_unreachable" },
    });
    expect(["timed_out", "unverified"]).toContain(disturbed.result?.outcome);
    stage.stand().network.heal();
    note(stage.title, `network ${how}`, disturbed, await settle(app, disturbed));
  });

  it("deploys over a slow network as over a fast one", async () => {
    await using app = await stage.running();
    const act = () => stage.stand().network.slow(50);
    // Some hundred requests, most of them compose's own, each of which waits for its answer.
    const disturbed = await stage.disturb(app, { act, policy: { startMs: 150_000, deadlineMs: 300_000 } });
    stage.stand().network.slow(0);
    expect(disturbed.result, app.log.text()).toMatchObject({ outcome: "succeeded" });
    note(stage.title, "network of 100 ms", disturbed, await settle(app, disturbed));
  });
}

async function run(
  app: FaultApp,
  variant: GoodVariant,
  more: Partial<RolloutPorts> = {},
  policy: Partial<RolloutPolicy> = {},
): Promise<Disturbed> {
  const release = await app.release(variant);
  return withPorts(app, more, async (ports) => {
    try {
      return { result: await deploy({ release, policy: { ...POLICY, ...policy } }, ports) };
    } catch (error) {
      return { thrown: messageOf(error) };
    }
  });
}

async function withPorts<T>(
  app: FaultApp,
  more: Partial<RolloutPorts>,
  work: (ports: RolloutPorts) => Promise<T>,
): Promise<T> {
  const { target, close } = await app.target();
  const holder = { run: `${process.pid}-${Math.random()}`, attempt: 1, host: "test" };
  const signal = new AbortController().signal;
  try {
    const common = { target, clock: systemClock, log: app.log, holder, signal, random: Math.random };
    return await work({ ...common, lifeMs: LIFE_MS, ...more });
  } finally {
    await close();
  }
}

interface Settled {
  readonly runs: GoodVariant;
  readonly recovery?: RecoveryResult;
}

/**
 * Recovers what was left open, and holds what was said against what is seen. A run that was refused, or that knows nothing,
 * must at least leave one whole release.
 */
async function settle(app: FaultApp, { result, thrown }: Disturbed): Promise<Settled> {
  const told = result && JSON.stringify([result.cause, result.report.likelyCause]);
  const context = `${result?.outcome} ${told} ${thrown ?? ""}\n${app.log.text()}`;
  const open = result === undefined || result.leftOpen;
  const recovery = open ? await withPorts(app, {}, (ports) => recover({ onAlive: "wait" }, ports)) : undefined;
  if (result?.leftOpen) expect(recovery?.kind, context).toBe("recovered");
  const said = recovery?.outcome ?? result?.outcome;
  const expected: readonly GoodVariant[] =
    said === "succeeded" ? ["good2"] : whole(said) ? ["good1"] : ["good1", "good2"];
  for (const variant of expected) {
    if (await showsWithin(app, variant, variant === expected.at(-1) ? 60_000 : 5_000)) {
      await waitUntil(`${variant} answers`, async () => (await app.answer()) === variant, { withinMs: 20_000 });
      return { runs: variant, ...(recovery === undefined ? {} : { recovery }) };
    }
  }
  throw new Error(`it said ${said}, and what runs is ${JSON.stringify(await app.look())}\n${context}`);
}

function whole(said: string | undefined): boolean {
  return said === "rolled_back" || said === "refused" || said === "cancelled";
}

/** Whether nothing but this variant runs, in its whole number, healthy. */
async function showsWithin(app: FaultApp, variant: GoodVariant, withinMs: number): Promise<boolean> {
  const asWanted = async (): Promise<boolean> => {
    const seen = await app.look();
    return seen.length === INSTANCES && seen.every((one) => one.variant === variant && one.healthy);
  };
  return waitUntil("the release is whole", asWanted, { withinMs, everyMs: 200 }).then(
    () => true,
    () => false,
  );
}

function note(title: string, name: string, { result, thrown }: Disturbed, { runs, recovery }: Settled): void {
  const said =
    result === undefined ? `error: ${thrown?.slice(0, 120)}` : `${result.outcome} (${result.cause?.cause ?? "-"})`;
  const after = recovery === undefined ? "" : `, recovery: ${recovery.kind} ${recovery.outcome ?? ""}`;
  console.info(`${title} | ${name} | ${said}${after} | ${runs} runs`);
}
