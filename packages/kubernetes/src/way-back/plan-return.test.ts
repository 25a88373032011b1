import { DEFAULT_ROLLOUT, type Plan, scopeHash, systemClock } from "@belay/core";
import { createTestLog } from "@belay/testkit";
import { expect, test } from "vitest";
import type { DesiredObject } from "../desired.ts";
import type { KubernetesObject, ObjectKey } from "../kubernetes-object.ts";
import type { KubernetesTargetOptions } from "../kubernetes-options.ts";
import { createApplyVerb } from "../manifests/apply-verb.ts";
import { isKept } from "../manifests/kept-kinds.ts";
import { makePlan } from "../plan/make-plan.ts";
import type { Snapshot, SnapshotObject } from "../snapshot.ts";
import { TargetState } from "../target-state.ts";
import { DIGEST, releaseOf } from "../testing/sample-manifests.ts";
import { planReturn } from "./plan-return.ts";

const scope = { target: "kubernetes", project: "shop", application: "shop", environment: "staging" } as const;
const labels = { "belay.dev/scope": scopeHash(scope), "belay.dev/deployment": "3" };

function applied(apiVersion: string, kind: string, name: string, spec: object, fields: object): KubernetesObject {
  const managedFields = [{ manager: "belay", operation: "Apply", fieldsV1: { "f:spec": fields } } as const];
  return { apiVersion, kind, metadata: { name, namespace: "shop", resourceVersion: "1", labels, managedFields }, spec };
}

const service = (targetPort: number): KubernetesObject => {
  const fields = { "f:ports": { 'k:{"port":80,"protocol":"TCP"}': { "f:targetPort": {} } } };
  const ports = [{ port: 80, protocol: "TCP", targetPort }];
  return applied("v1", "Service", "web", { ports }, fields);
};

const deployment = (replicas = 1): KubernetesObject => {
  const template = { metadata: {}, spec: { containers: [{ name: "web", image: `registry/web@${DIGEST}` }] } };
  return applied("apps/v1", "Deployment", "web", { replicas, template }, { "f:replicas": {}, "f:template": {} });
};

const keyOf = ({ apiVersion, kind, metadata }: KubernetesObject): ObjectKey => ({
  ...{ apiVersion, kind, name: metadata.name, namespace: "shop" },
});
const saved = (was: KubernetesObject): SnapshotObject => ({
  ...{ key: keyOf(was), verb: "apply", was },
  ...(was.kind === "Deployment" ? { service: "web", goal: "run" } : {}),
});
const desired = (body: KubernetesObject): DesiredObject => {
  const { verb, service: name } = saved(body);
  return { ...keyOf(body), verb, body, dependsOn: [], ...(name === undefined ? {} : { service: name }) };
};

/** A namespace with these objects; the manifests want those, and no more what is to be pruned. */
function stateOf(live: readonly KubernetesObject[], wanted: readonly KubernetesObject[], prune: readonly ObjectKey[]) {
  const find = ({ kind }: { kind: string }) => live.find((one) => one.kind === kind);
  const api = {
    namespace: "shop",
    now: () => 0,
    get: async (key: ObjectKey) => find(key),
    apply: async (object: KubernetesObject) => ({ ...find(object), ...object }),
    list: async () => ({ resourceVersion: "1", items: [] }),
    may: async () => true,
    request: async () => ({}),
  } as unknown as KubernetesTargetOptions["api"];
  const render = async () => ({ objects: wanted.map(desired), prune, findings: [], notCovered: [] });
  return new TargetState({
    ...{ api, scope, log: createTestLog(), clock: systemClock, services: {} },
    manifests: { verb: createApplyVerb(api, scope), isKept, render },
  } as unknown as KubernetesTargetOptions);
}

const shown = ({ services, others }: Plan) => ({ actions: services.map(({ action }) => action), others });

function planned(wanted: readonly KubernetesObject[], prune: readonly ObjectKey[] = []): Promise<Plan> {
  const state = stateOf([deployment(), service(9090)], wanted, prune);
  return makePlan(state, releaseOf({ web: "registry/web" }), DEFAULT_ROLLOUT);
}

test("a plan tells what changes besides workloads, and nothing where nothing does", async () => {
  expect(shown(await planned([deployment(), service(9090)]))).toEqual({ actions: ["unchanged"], others: [] });
  const moved = await planned([deployment(), service(7070)]);
  expect(shown(moved)).toEqual({
    ...{ actions: ["unchanged"], others: ["update service/web: spec.ports[80].targetPort"] },
  });
  const dropped = await planned([deployment()], [keyOf(service(9090))]);
  expect(shown(dropped)).toEqual({ actions: ["unchanged"], others: ["remove service/web"] });
});

function returning(...was: readonly KubernetesObject[]): Promise<Plan> {
  const objects = was.map(saved);
  const snapshot: Snapshot = {
    ...{ schema: "belay.kubernetes-snapshot/v1", namespace: "shop", labelledDeployment: 2, at: 0, objects },
  };
  return planReturn(stateOf([deployment(), service(9090)], [], []), [snapshot], DEFAULT_ROLLOUT);
}

test("going back brings back what is not a workload, too, where it differs", async () => {
  expect(shown(await returning(deployment(), service(9090)))).toEqual({ actions: ["unchanged"], others: [] });
  expect(shown(await returning(deployment(), service(8080)))).toEqual({
    ...{ actions: ["unchanged"], others: ["update service/web: spec.ports[80].targetPort"] },
  });
});

test("going back brings back what a workload has besides its pod template", async () => {
  const plan = await returning(deployment(3), service(9090));
  expect(plan.services).toMatchObject([{ action: "update", differences: ["spec.replicas: 1 → 3"] }]);
});
