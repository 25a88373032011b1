import { changePermit, type Observation, type RolloutPolicy } from "@belay/core";
import { beforeEach, describe, expect, it } from "vitest";
import { holdFailed } from "../evidence/hold-failed.ts";
import { SimWorld } from "../testing/sim-world.ts";

let world: SimWorld;

beforeEach(async () => {
  world = new SimWorld();
  await world.deployed("v1");
  world.engine.behaviours.set("web-v2", { kind: "crash", afterMs: 100 });
});

/** A runner whose target says in which order things begin and end. */
function watched() {
  const order: string[] = [];
  const runner = world.runner("second");
  const { target } = runner;
  const { dossier, restoration } = target;
  target.hold = async () => void order.push("held");
  target.dossier = async (...args) => {
    order.push("evidence begins");
    const evidence = await dossier.apply(target, args);
    order.push("evidence ends");
    return evidence;
  };
  target.restoration = async (...args) => {
    const way = await restoration.apply(target, args);
    const stages = way.stages.map((stage) => {
      const act = async (signal: AbortSignal): Promise<void> => {
        order.push("act");
        await stage.act(signal);
      };
      return { ...stage, act };
    });
    return { ...way, stages };
  };
  return { runner, order };
}

describe("what has crashed of a release that goes is held", () => {
  it("while its evidence is taken, before anything is restored", async () => {
    const { runner, order } = watched();
    expect((await runner.deploy("v2")).outcome).toBe("rolled_back");
    expect(order.slice(0, 4)).toEqual(["evidence begins", "held", "evidence ends", "act"]);
  });

  it("as it was judged", async () => {
    const { runner } = watched();
    let seen: Observation | undefined;
    runner.target.hold = async (observation) => {
      seen = observation;
    };
    await runner.deploy("v2");
    expect(seen?.services.find(({ name }) => name === "web")?.wantedRevision).toBe("web-v2");
  });

  it("until the evidence is there; the way back does not wait for it, nor for one that fails", async () => {
    const { runner, order } = watched();
    let over: AbortSignal | undefined;
    runner.target.hold = (_, signal) => {
      over = signal;
      return new Promise(() => undefined);
    };
    expect((await runner.deploy("v2")).outcome).toBe("rolled_back");
    expect(order).toContain("act");
    expect(over?.aborted).toBe(true);
    const { runner: third } = watched();
    third.target.hold = () => Promise.reject(new Error("the engine is busy"));
    expect((await third.deploy("v2")).outcome).toBe("rolled_back");
    expect(third.log.join("\n")).toContain("could not be held: the engine is busy");
  });

  it.each<[string, Partial<RolloutPolicy>]>([
    ["a release that fails stays", { onFailure: "keep" }],
    ["more crashes are allowed than it has had", { crashes: 50, deadlineMs: 3_000, onFailure: "keep" }],
  ])("not where %s", async (_, policy) => {
    const { runner, order } = watched();
    await runner.deploy("v2", policy);
    expect(order).not.toContain("held");
  });

  it("not where a first one stays, and where one is removed", async () => {
    for (const [onFirstFailure, times] of [
      ["keep", 0],
      ["remove", 1],
    ] as const) {
      world = new SimWorld();
      world.engine.behaviours.set("web-v2", { kind: "crash", afterMs: 100 });
      const { runner, order } = watched();
      await runner.deploy("v2", { onFirstFailure });
      expect(order.filter((one) => one === "held")).toHaveLength(times);
    }
  });

  it("not by a run that was cancelled: it has not failed", async () => {
    world.engine.behaviours.set("web-v2", { kind: "never ready" });
    const { runner, order } = watched();
    const { execution } = runner.target;
    runner.target.execution = (plan, context) => {
      const way = execution.call(runner.target, plan, context);
      const [first, ...rest] = way.stages;
      if (first === undefined) return way;
      const act = async (signal: AbortSignal): Promise<void> => {
        await first.act(signal);
        runner.cancel.abort();
      };
      return { ...way, stages: [{ ...first, act }, ...rest] };
    };
    expect(await runner.deploy("v2")).toMatchObject({ outcome: "rolled_back", cause: { cause: "cancelled" } });
    expect(order).not.toContain("held");
  });
});

describe("holding asks before each change", () => {
  const seen: Observation = { at: 0, services: [], probes: [] };
  const askedIn = async (mayChangeInPassing: () => void, evidence: Promise<void>): Promise<string[]> => {
    const lines: string[] = [];
    const hold = async (): Promise<void> => {
      await Promise.resolve();
      changePermit()();
      lines.push("changed");
    };
    const log = { debug: (line: string) => lines.push(line) };
    const ports = { target: { hold }, log } as unknown as Parameters<typeof holdFailed>[0];
    await holdFailed(ports, { mayChangeInPassing }, seen, evidence);
    return lines;
  };
  const unfinished = new Promise<void>(() => undefined);

  it("whether this run is alive, and whether the evidence is still being taken", async () => {
    expect(await askedIn(() => undefined, unfinished)).toEqual(["changed"]);
    const dead = (): void => {
      throw new Error("the last proof of life is too old");
    };
    expect(await askedIn(dead, unfinished)).toEqual([expect.stringContaining("the last proof of life is too old")]);
    expect(await askedIn(() => undefined, Promise.resolve())).toEqual([]);
  });
});
