import { type Clock, DEFAULT_ROLLOUT, type DeploymentContext, Redactor } from "@belay/core";
import type { ContainerInspect, Docker, EngineEvent, EventQuery } from "@belay/docker";
import { createTestLog } from "@belay/testkit";
import { expect, it } from "vitest";
import type { ComposeCli } from "../files/compose-cli.ts";
import { planExecution } from "../forward/plan-execution.ts";
import { PlanDetail } from "../plan/plan-detail.ts";
import { TargetState } from "../target-state.ts";
import { container, inspectOf } from "../testing/containers.ts";
import { makeRestorationPlan } from "./make-restoration-plan.ts";

const scope = { target: "compose", project: "shop", application: "shop", environment: "test" } as const;
const context: DeploymentContext = { deployment: 7, release: "sha256:cc", policy: DEFAULT_ROLLOUT };

function stateWith(containers: readonly ContainerInspect[]): TargetState {
  const clock: Clock = { now: () => 0, date: () => new Date(0), sleep: () => new Promise(() => undefined) };
  const docker = {
    containers: {
      list: async () =>
        containers.map(({ Id, Name, Config, State }) => {
          return { Id, Names: [Name], Labels: Config.Labels ?? {}, State: State.Status, Status: "" };
        }),
      inspect: async (id: string) => containers.find(({ Id }) => Id === id),
    },
    images: { inspect: async () => ({ Id: "sha256:aa", RepoDigests: [] }) },
    networks: { list: async () => [] },
    events: async function* ({ onOpened }: EventQuery) {
      onOpened?.();
      yield await new Promise<EngineEvent>(() => undefined);
    },
  } as unknown as Docker;
  const cli = { render: async () => ({ name: "shop", services: { web: {} } }) } as unknown as ComposeCli;
  const options = {
    ...{ docker, scope, clock, projectDirectory: "/", files: [], env: {}, services: { web: { name: "web" } } },
    ...{ log: createTestLog(), redactor: new Redactor(), runner: () => Promise.reject(new Error("nothing runs")) },
  };
  return new TargetState(options, cli, { at: 0, now: 0 });
}

it("leaves a service that no snapshot has as it is, and does not judge what runs of another revision there", async () => {
  const edited = { "com.docker.compose.config-hash": "edited" };
  const state = stateWith([inspectOf("1"), inspectOf("2"), inspectOf("3", { labels: edited })]);
  const plan = await makeRestorationPlan(state, [], DEFAULT_ROLLOUT);
  expect(plan.services).toMatchObject([{ service: "web", action: "unchanged", desired: 2 }]);
  const { wanted } = planExecution(state, PlanDetail.open(plan.detail), context);
  expect(wanted).toMatchObject([{ service: "web", desired: 2, revision: container("1").revision }]);
  const judged = ["1", "2", "3", "4"].filter((id) => !state.isBeside({ id }));
  // What somebody makes afterwards counts.
  expect(judged).toEqual(["1", "2", "4"]);
});
