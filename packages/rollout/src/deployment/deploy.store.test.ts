import { BelayError, type RecordStore } from "@belay/core";
import { beforeEach, describe, expect, it } from "vitest";
import { readListing } from "../ledger/record-names.ts";
import { type SimRunner, SimWorld } from "../testing/sim-world.ts";

let world: SimWorld;

beforeEach(async () => {
  world = new SimWorld();
  await world.deployed("v1");
  await world.deployed("v2");
});

/** The next call of the store is answered by a reset, once `when` is true. */
function cutOnce(runner: SimRunner, operation: "list" | "read", when: () => boolean): { done: boolean } {
  const cut = { done: false };
  const { store } = runner.target;
  const call = store[operation].bind(store) as (name: string) => Promise<never>;
  const cutting = async (name: string): Promise<never> => {
    if (cut.done || !when()) return call(name);
    cut.done = true;
    throw new BelayError("ENGINE_UNREACHABLE", { doing: "reading", got: "socket hang up" });
  };
  Object.assign(store, { [operation]: cutting } satisfies Partial<Record<keyof RecordStore, unknown>>);
  return cut;
}

describe("a store that resets one connection", () => {
  it.each(["list", "read"] as const)("in a %s while the plan is made ends no deployment", async (operation) => {
    const runner = world.runner("third");
    const cut = cutOnce(runner, operation, () => runner.steps.at(-1) === "plan");
    expect(await runner.deploy("v3")).toMatchObject({ outcome: "succeeded" });
    expect(cut.done).toBe(true);
  });

  it.each(["list", "read"] as const)("in a %s while a deployment is chosen ends no rollback", async (operation) => {
    const runner = world.runner("third");
    const cut = cutOnce(runner, operation, () => runner.steps.at(-1) === "choose");
    expect(await runner.rollback("previous")).toMatchObject({ outcome: "succeeded" });
    expect(cut.done).toBe(true);
  });
});

describe("a run that is cancelled while the answer to its claim is lost", () => {
  it("says that a deployment may stand open, which the next run closes", async () => {
    const runner = world.runner("third");
    const { store } = runner.target;
    const create = store.create.bind(store);
    store.create = async (name, bytes) => {
      const answer = await create(name, bytes);
      if (name.endsWith(".begin")) {
        runner.cancel.abort();
        world.engine.outage = { from: 0, to: Number.POSITIVE_INFINITY };
      }
      return answer;
    };
    expect(await runner.deploy("v3")).toMatchObject({ outcome: "cancelled", leftOpen: true });
    expect(runner.log.join("\n")).toContain("may stand open in the ledger");
    world.engine.outage = undefined;
    const next = await world.runner("next").deploy("v3");
    expect(next).toMatchObject({ outcome: "succeeded", recovered: [{ kind: "recovered", deployments: [3] }] });
    const { numbers } = readListing([...world.engine.records.keys()]);
    expect([...numbers.values()].every(({ begin, end }) => begin && end)).toBe(true);
  });
});
