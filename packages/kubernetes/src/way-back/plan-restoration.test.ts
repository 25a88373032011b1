import { BelayError, type Clock, DEFAULT_ROLLOUT } from "@belay/core";
import { createTestLog } from "@belay/testkit";
import { expect, test } from "vitest";
import type { SavedObject } from "../desired.ts";
import type { KubernetesObject, ObjectKey } from "../kubernetes-object.ts";
import type { Snapshot } from "../snapshot.ts";
import type { TargetState } from "../target-state.ts";
import { planRestoration } from "./plan-restoration.ts";

const scope = { target: "kubernetes", project: "shop", application: "shop", environment: "test" } as const;
const context = { deployment: 2, release: `sha256:${"0".repeat(64)}`, policy: DEFAULT_ROLLOUT } as const;

const config = (name: string): KubernetesObject => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });

/** So many pauses are more than any of these tests needs. */
const MOST_PAUSES = 20;

interface World {
  /** What somebody removes, and how many objects must have been put back before it has gone. */
  readonly going?: Readonly<Record<string, number>>;
  /** What the API server takes nothing for. */
  readonly refused?: readonly string[];
}

/** The way back of ConfigMaps that all were there before, in the order in which they were changed. */
async function restoring(names: readonly string[], { going = {}, refused = [] }: World) {
  const log = createTestLog();
  const back: string[] = [];
  let pauses = 0;
  const clock = {
    sleep: async (): Promise<void> => {
      if (++pauses > MOST_PAUSES) throw new BelayError("TIMED_OUT", { doing: "restoring", got: "no end" });
    },
  } as unknown as Clock;
  const get = async ({ name }: ObjectKey): Promise<KubernetesObject | undefined> => {
    const needed = going[name];
    if (needed === undefined || back.includes(name)) return config(name);
    if (back.length >= needed) return undefined;
    const { metadata, ...rest } = config(name);
    return { ...rest, metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
  };
  const restore = async ({ key: { name } }: SavedObject): Promise<KubernetesObject> => {
    if (refused.includes(name)) throw new BelayError("ENGINE_ERROR", { doing: `restoring ${name}`, got: "denied" });
    back.push(name);
    return config(name);
  };
  const state = {
    ...{ written: new Map(), foreign: new Set(), changed: new Map(), remember: () => {}, beginWay: () => {} },
    ...{ api: { get }, options: { log, scope, clock }, watch: { expect: () => {} }, verb: () => ({ restore }) },
  } as unknown as TargetState;
  const objects = names.map((name) => ({
    ...{ key: { apiVersion: "v1", kind: "ConfigMap", name }, verb: "apply", was: config(name) },
  })) as Snapshot["objects"];
  const snapshot: Snapshot = {
    ...{ schema: "belay.kubernetes-snapshot/v1", namespace: "shop", labelledDeployment: 1, at: 0, objects },
  };
  const { stages } = await planRestoration(state, snapshot, context);
  const act = () => stages[0]?.act(new AbortController().signal);
  return { act, back, log };
}

test("objects come back in the reverse of the order in which they were changed", async () => {
  const { act, back } = await restoring(["a", "b", "c"], {});
  await act();
  expect(back).toEqual(["c", "b", "a"]);
});

test("what is on its way out does not keep the rest from coming back, and is made again once it has gone", async () => {
  // Its end waits for the others: a claim that the bad release's pods use.
  const { act, back, log } = await restoring(["a", "b", "c"], { going: { c: 2 } });
  await act();
  expect(back).toEqual(["b", "a", "c"]);
  expect(log.text()).toContain("somebody removes configmap/c: its end is waited for");
  expect(log.text()).toContain("configmap/c is gone: it is made again as it was");
});

test("each of those comes back as soon as it has gone, whichever goes first", async () => {
  const { act, back } = await restoring(["a", "b", "c", "d"], { going: { d: 3, c: 2, b: 1 } });
  await act();
  expect(back[0]).toBe("a");
  expect(back.toSorted()).toEqual(["a", "b", "c", "d"]);
});

test("one that never goes is waited for until the way's own deadline; the rest is back by then", async () => {
  const { act, back } = await restoring(["a", "b", "c"], { going: { c: 99, b: 1 } });
  await expect(act()).rejects.toMatchObject({ code: "TIMED_OUT" });
  expect(back).toEqual(["a", "b"]);
});

test("what is refused for good is told when all the rest is back", async () => {
  const { act, back } = await restoring(["a", "b", "c"], { going: { c: 1 }, refused: ["b"] });
  await expect(act()).rejects.toMatchObject({ code: "ENGINE_ERROR", message: expect.stringContaining("restoring b") });
  expect(back).toEqual(["a", "c"]);
});
