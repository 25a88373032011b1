import { BelayError, DEFAULT_ROLLOUT } from "@belay/core";
import { createTestLog } from "@belay/testkit";
import { expect, it } from "vitest";
import type { DesiredStack } from "../desired.ts";
import type { PlannedService } from "../plan/plan-detail.ts";
import type { TargetState } from "../target-state.ts";
import { service } from "../testing/tasks.ts";
import { planExecution } from "./plan-execution.ts";

const context = { deployment: 7, release: `sha256:${"0".repeat(64)}`, policy: DEFAULT_ROLLOUT } as const;

async function refuse(): Promise<never> {
  throw new BelayError("ENGINE_ERROR", {
    doing: "removing it",
    got: "the Docker engine answered 500: device or resource busy",
  });
}

/** The last stage, on an engine that refuses to remove anything. */
function clearing(services: readonly PlannedService[], more: DesiredStack["tidy"] = async () => undefined) {
  const state = {
    beginWay: () => undefined,
    options: { log: createTestLog(), cliArgs: ["--context", "staging"] },
    docker: { services: { remove: refuse } },
    directory: { service: async () => service() },
    store: { list: async () => ["6.begin", "6.end", "7.begin"] },
  } as unknown as TargetState;
  const kept: unknown[] = [];
  const tidy: DesiredStack["tidy"] = async (files, signal, clear) => {
    kept.push(files);
    // It lists what there is: only the first time that is the config.
    if (kept.length === 1) await clear?.("config", "shop_page_0", refuse);
    await clear?.("network", "shop_back", async () => undefined);
    await more(files, signal, clear);
  };
  const stack = { services: [], tidy } as unknown as DesiredStack;
  const { stages, leftBehind } = planExecution(state, { services, stack, labelledDeployment: 0 }, context);
  return { kept, act: () => stages.at(-1)?.act(new AbortController().signal), left: () => leftBehind?.() };
}

const planned = (name: string, action: "update" | "remove"): PlannedService => ({
  ...{ service: name, name: `shop_${name}`, action, goal: "run", desired: 1, dependsOn: [], ready: 1 },
  ...{ image: "", revision: "r", digests: [] },
});

it("leaves behind what nobody uses when it can't be removed", async () => {
  const { kept, act, left } = clearing([planned("web", "update")]);
  await act();
  expect(kept).toEqual([{ oldestKept: 6, deployment: 7 }]);
  const command = "docker --context staging config rm shop_page_0";
  expect(left()).toEqual([{ what: "the config shop_page_0", command, why: expect.stringContaining("busy") }]);
});

it("says nothing of what is gone by the time that the act is repeated", async () => {
  let times = 0;
  const { act, left } = clearing([planned("web", "update")], async () => {
    if (times++ === 0) throw new BelayError("ENGINE_UNREACHABLE", { doing: "listing networks", got: "no answer" });
  });
  await expect(act()).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
  expect(left()).toMatchObject([{ what: "the config shop_page_0" }]);
  await act();
  expect(left()).toEqual([]);
});

it("fails over a service that can't be removed: it goes on to serve", async () => {
  const { kept, act } = clearing([planned("web", "update"), planned("old", "remove")]);
  await expect(act()).rejects.toMatchObject({ code: "ENGINE_ERROR", service: "old" });
  expect(kept).toEqual([]);
});
