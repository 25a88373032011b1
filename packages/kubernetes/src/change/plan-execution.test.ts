import { BelayError, DEFAULT_ROLLOUT, type ServiceChange } from "@belay/core";
import { createTestLog } from "@belay/testkit";
import { expect, test } from "vitest";
import type { DesiredObject } from "../desired.ts";
import type { KubernetesObject, ObjectKey } from "../kubernetes-object.ts";
import type { PlanContents, PlannedObject } from "../plan-detail.ts";
import type { TargetState } from "../target-state.ts";
import type { Workload } from "../workload.ts";
import { planExecution } from "./plan-execution.ts";

const scope = { target: "kubernetes", project: "shop", application: "shop", environment: "test" } as const;
const options = { log: createTestLog(), scope, kubectlArgs: ["--context", "staging"] };
const state = { remember: () => {}, beginWay: () => {}, written: new Map(), options } as unknown as TargetState;
const context = { deployment: 1, release: `sha256:${"0".repeat(64)}`, policy: DEFAULT_ROLLOUT } as const;

function planned(
  kind: string,
  name: string,
  more: Partial<DesiredObject> = {},
  action: "update" | "unchanged" = "update",
): PlannedObject {
  const desired: DesiredObject = { apiVersion: "v1", kind, name, verb: "apply", dependsOn: [], ...more };
  return { desired, live: undefined, preview: { object: undefined, action, differences: [], findings: [] } };
}

const workload = (name: string, dependsOn: readonly string[] = [], action: "update" | "unchanged" = "update") =>
  planned("Deployment", name, { service: name, dependsOn }, action);

function stagesOf(objects: readonly PlannedObject[], more: Partial<PlanContents> = {}) {
  const services = objects.flatMap(({ desired }) => desired.service ?? []);
  const changes = services.map(
    (service): ServiceChange => ({
      ...{
        service,
        name: `deployment/${service}`,
        action: "update",
        goal: "run",
        desired: 1,
        dependsOn: [],
        differences: [],
      },
    }),
  );
  const plan = { objects, changes, prune: [], labelledDeployment: 0, floors: new Map(), ready: new Map(), ...more };
  return planExecution(state, plan, context).stages.map(({ name, stable, services: judged }) => ({
    name,
    stable,
    judged,
  }));
}

test("services that don't wait for each other change together, with what has no pods", () => {
  const objects = [planned("ConfigMap", "c"), workload("api"), workload("web"), planned("Service", "web")];
  expect(stagesOf(objects)).toEqual([{ name: "apply", stable: true, judged: ["api", "web"] }]);
});

test("a service that waits for others changes after them, and is not judged before", () => {
  const objects = [workload("migrate"), workload("api", ["migrate"]), workload("web", ["api"])];
  expect(stagesOf(objects)).toEqual([
    { name: "apply migrate", stable: false, judged: ["migrate"] },
    { name: "apply api", stable: false, judged: ["migrate", "api"] },
    { name: "apply web", stable: true, judged: ["migrate", "api", "web"] },
  ]);
});

test("a service waits for one that an unchanged one waits for", () => {
  const objects = [workload("db"), workload("api", ["db"], "unchanged"), workload("web", ["api"])];
  expect(stagesOf([planned("ConfigMap", "c"), ...objects, planned("Service", "web")])).toEqual([
    { name: "apply db", stable: false, judged: ["db", "api"] },
    { name: "apply web", stable: true, judged: ["db", "api", "web"] },
  ]);
});

test("what is unchanged is judged and not touched; with nothing to change all is only looked at", () => {
  const objects = [workload("api", [], "unchanged"), workload("web")];
  expect(stagesOf(objects)).toEqual([{ name: "apply", stable: true, judged: ["api", "web"] }]);
  expect(stagesOf([workload("api", [], "unchanged")])).toEqual([{ name: "verify", stable: true, judged: undefined }]);
});

test("what the release no longer has goes last", () => {
  const live: KubernetesObject = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "old" } };
  const prune = [{ key: { apiVersion: "v1", kind: "ConfigMap", name: "old" }, live }];
  expect(stagesOf([workload("web")], { prune })).toMatchObject([
    { name: "apply", stable: true },
    { name: "prune", stable: false },
  ]);
  expect(stagesOf([workload("web", [], "unchanged")], { prune })).toMatchObject([{ name: "prune", stable: true }]);
});

interface Pruned {
  readonly key: ObjectKey;
  readonly service?: string;
  readonly status?: Workload["status"];
  /** Later than the plan. */
  readonly becomes?: Workload["status"];
}

/** The last stage, where an admission webhook refuses to remove anything. */
function pruning(prune: readonly Pruned[]) {
  const remove = async ({ name }: ObjectKey): Promise<void> => {
    const got = "the API server answered 403: admission webhook denied the request";
    throw new BelayError("ENGINE_ERROR", { doing: `removing ${name}`, got });
  };
  const objectOf = ({ key, status }: Pruned): KubernetesObject => ({ ...key, metadata: { name: key.name }, status });
  const get = async (key: ObjectKey): Promise<KubernetesObject> => {
    const found = prune.find((one) => one.key.kind === key.kind && one.key.name === key.name);
    return objectOf({ ...found, key, status: found?.becomes ?? found?.status });
  };
  const where = { ...state, api: { get, remove } } as unknown as TargetState;
  const gone = prune.filter(({ service }) => service === "old").map(({ key, service = "" }) => removed(key, service));
  const planned = prune.map(({ key, service, status }) => ({
    ...{ key, live: objectOf({ key, status }) },
    ...(service === undefined ? {} : { service }),
  }));
  const plan = {
    objects: [],
    changes: gone,
    prune: planned,
    labelledDeployment: 0,
    floors: new Map(),
    ready: new Map(),
  };
  const { stages, leftBehind } = planExecution(where, plan, context);
  return { act: () => stages.at(-1)?.act(new AbortController().signal), left: () => leftBehind?.() };
}

function removed({ name }: ObjectKey, service: string): ServiceChange {
  const rest = { dependsOn: [], differences: [] } as const;
  return { service, name: `deployment/${name}`, action: "remove", goal: "run", desired: 0, ...rest };
}

const MIGRATE = { key: { apiVersion: "batch/v1", kind: "Job", name: "migrate-1" }, service: "migrate" } as const;
const ended = (type: "Complete" | "Failed") => ({ conditions: [{ type, status: "True" }] }) as const;

test("what has no pods, or only a finished Job's, is left behind when it can't be removed", async () => {
  const { act, left } = pruning([
    { key: { apiVersion: "v1", kind: "ConfigMap", name: "plain" } },
    { ...MIGRATE, status: ended("Complete") },
  ]);
  await act();
  const kubectl = "kubectl --context staging --namespace shop delete";
  expect(left()).toEqual([
    { what: "job/migrate-1", command: `${kubectl} job/migrate-1`, why: expect.stringContaining("denied") },
    { what: "configmap/plain", command: `${kubectl} configmap/plain`, why: expect.stringContaining("denied") },
  ]);
});

test("a Job that has ended since the plan was made is left behind as well, whichever way it ended", async () => {
  const { act, left } = pruning([
    { ...MIGRATE, status: {}, becomes: ended("Failed") },
    { ...MIGRATE, key: { ...MIGRATE.key, name: "migrate-0" }, status: ended("Failed") },
  ]);
  await act();
  expect(left()?.map(({ what }) => what)).toEqual(["job/migrate-0", "job/migrate-1"]);
});

test.each([
  ["a service that the release drops", "Deployment", "old"],
  ["the workload that a service had as another kind or under another name", "Deployment", "web"],
  ["a CronJob", "CronJob", "report"],
  ["a Job that still runs", "Job", "migrate"],
])("%s goes on when it can't be removed: that is the release's failure", async (_, kind, service) => {
  const { act } = pruning([{ key: { apiVersion: "apps/v1", kind, name: "it" }, service }]);
  await expect(act()).rejects.toMatchObject({ code: "ENGINE_ERROR", service });
});

test("a number that an autoscaler may lower is not waited for", () => {
  const to = { revision: "r", image: "", digests: [], instances: 5 };
  const change: ServiceChange = {
    ...{
      service: "web",
      name: "deployment/web",
      action: "update",
      goal: "run",
      desired: 5,
      dependsOn: [],
      differences: [],
      to,
    },
  };
  const plan = {
    objects: [workload("web")],
    changes: [change],
    prune: [],
    labelledDeployment: 0,
    floors: new Map([["deployment/web", 2]]),
    ready: new Map(),
  };
  expect(planExecution(state, plan, context).wanted).toMatchObject([{ desired: 2, revision: "r" }]);
});
