import type { Wanted } from "@belay/core";
import { describe, expect, it } from "vitest";
import type { KubernetesObject, ObjectKey } from "../kubernetes-object.ts";
import { type PodTemplate, revisionOf } from "../workload.ts";
import { translateService } from "./translate-service.ts";

const template = (image: string, labels: Readonly<Record<string, string>> = {}): PodTemplate => ({
  metadata: { labels: { app: "web", ...labels } },
  spec: { containers: [{ name: "web", image }] },
});
const REVISIONS = { old: revisionOf(template("web:1")), new: revisionOf(template("web:2")) };

const owner = (kind: string, name: string, uid = `${name}-uid`) => ({
  ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid, controller: true }],
});

function object(kind: string, name: string, more: object): KubernetesObject {
  const { metadata = {}, ...rest } = more as { metadata?: object };
  return { apiVersion: "v1", kind, metadata: { name, uid: `${name}-uid`, ...metadata }, ...rest };
}

const set = (hash: string, image: string, status: object = {}): KubernetesObject =>
  object("ReplicaSet", `web-${hash}`, {
    metadata: { labels: { "pod-template-hash": hash }, ...owner("Deployment", "web") },
    spec: { template: template(image, { "pod-template-hash": hash }) },
    status,
  });

const podOf = (name: string, kind: string, parent: string, labels: object, more: object = {}): KubernetesObject =>
  object("Pod", name, {
    metadata: { labels, ...owner(kind, parent) },
    spec: { nodeName: "node1", containers: [{ name: "web" }] },
    ...more,
  });

const wanted: Wanted = { service: "web", goal: "run", desired: 9, revision: REVISIONS.new, digests: [] };

function translate(kind: string, objects: readonly KubernetesObject[], more: Partial<Wanted> = {}) {
  const key: ObjectKey = { apiVersion: "apps/v1", kind, name: "web" };
  return translateService(
    { ...wanted, ...more },
    key,
    Map.groupBy(objects, (one) => one.kind),
  );
}

const deployment = object("Deployment", "web", { spec: { replicas: 2, template: template("web:2") } });

describe("a Deployment", () => {
  it("has the pods of its ReplicaSets, each by the template of its own", () => {
    const service = translate("Deployment", [
      deployment,
      set("1", "web:1"),
      set("2", "web:2"),
      podOf("a", "ReplicaSet", "web-1", { "pod-template-hash": "1" }),
      podOf("b", "ReplicaSet", "web-2", { "pod-template-hash": "2" }),
      podOf("other", "ReplicaSet", "api-1", { "pod-template-hash": "1" }),
      podOf("by-hand", "Node", "node1", {}),
    ]);
    expect(service).toMatchObject({ desired: 2, kind: "Deployment", wantedRevision: REVISIONS.new });
    expect(service.instances.map(({ title, revision }) => [title, revision])).toEqual([
      ["a", REVISIONS.old],
      ["b", REVISIONS.new],
    ]);
  });

  it("that is gone has the number that was wanted, and its pods until they are gone too", () => {
    const service = translate("Deployment", [
      set("1", "web:1"),
      podOf("a", "ReplicaSet", "web-1", { "pod-template-hash": "1" }),
    ]);
    expect(service).toMatchObject({ desired: 9, instances: [{ title: "a", revision: REVISIONS.old }] });
  });

  it("tells of a quota although it has no pod, but only of the wanted revision", () => {
    const message =
      'pods "web-2-x" is forbidden: exceeded quota: full, requested: pods=1, used: pods=2, limited: pods=2';
    const status = { conditions: [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message }] };
    expect(translate("Deployment", [deployment, set("2", "web:2", status)]).conditions).toEqual([
      { type: "quota", message, mayPass: true },
    ]);
    expect(translate("Deployment", [deployment, set("1", "web:1", status)]).conditions).toEqual([]);
  });

  it.each([
    ["quota", 'pods "web-2-x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'],
    ["quota", 'admission webhook "policy.example" denied the request: no label team'],
    [
      "config_missing",
      'pods "web-2-x" is forbidden: error looking up service account shop/web: serviceaccount "web" not found',
    ],
    [
      "start_failed",
      'Internal error occurred: failed calling webhook "injector.example": failed to call webhook: connection refused',
    ],
  ])("tells why no pod can be made, which may pass: %s", (type, message) => {
    const status = { conditions: [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message }] };
    const { conditions } = translate("Deployment", [deployment, set("2", "web:2", status)]);
    expect(conditions).toEqual([{ type, message, mayPass: true }]);
  });

  it("tells of a pod that no node takes, and of one whose ConfigMap is missing", () => {
    const why = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
    const waits = (name: string, more: object) =>
      podOf(name, "ReplicaSet", "web-2", { "pod-template-hash": "2" }, { status: { phase: "Pending", ...more } });
    const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: why }];
    const message = 'MountVolume.SetUp failed for volume "config" : configmap "web-config" not found';
    const event = object("Event", "e", { involvedObject: { uid: "b-uid" }, reason: "FailedMount", message });
    const objects = [deployment, set("2", "web:2"), waits("a", { conditions }), waits("b", {}), event];
    expect(translate("Deployment", objects).conditions).toEqual([
      { type: "unschedulable", message: why },
      { type: "config_missing", message, mayPass: true },
    ]);
    expect(translate("Deployment", objects, { revision: REVISIONS.old }).conditions).toEqual([]);
  });

  it("does not tell of a ConfigMap that came a moment later than the pod", () => {
    const failed = object("Event", "mount", {
      ...{ involvedObject: { uid: "a-uid" }, reason: "FailedMount" },
      message: 'MountVolume.SetUp failed for volume "config" : configmap "web-config" not found',
    });
    const conditions = (status: object, ...events: KubernetesObject[]) => {
      const labels = { "pod-template-hash": "2" };
      const pod = podOf("a", "ReplicaSet", "web-2", labels, { status: { phase: "Pending", ...status } });
      return translate("Deployment", [deployment, set("2", "web:2"), pod, failed, ...events]).conditions;
    };
    expect(conditions({})).toMatchObject([{ type: "config_missing" }]);
    expect(conditions({}, object("Event", "pull", { involvedObject: { uid: "a-uid" }, reason: "Pulling" }))).toEqual(
      [],
    );
    expect(conditions({ conditions: [{ type: "PodReadyToStartContainers", status: "True" }] })).toEqual([]);
    const init = { name: "init", ready: false, restartCount: 0, imageID: "", state: { running: {} } };
    expect(conditions({ initContainerStatuses: [init] })).toEqual([]);
  });

  it.each([
    'secret "database" not found',
    'configmap "settings" not found',
    "couldn't find key PORT in Secret shop/database",
  ])("tells that its containers wait for what may come: %s", (message) => {
    const state = { waiting: { reason: "CreateContainerConfigError", message } };
    const containerStatuses = [{ name: "web", ready: false, restartCount: 0, imageID: "", state }];
    const status = { phase: "Pending", containerStatuses };
    const pod = podOf("a", "ReplicaSet", "web-2", { "pod-template-hash": "2" }, { status });
    const { conditions, instances } = translate("Deployment", [deployment, set("2", "web:2"), pod]);
    expect(conditions).toEqual([{ type: "config_missing", message: `a: ${message}`, mayPass: true }]);
    expect(instances[0]?.containers[0]).toMatchObject({ state: "waiting", message });
    expect(instances[0]?.containers[0]).not.toHaveProperty("reason");
  });

  it("tells that a container is being killed by a probe before it has ended, but not of the one before it", () => {
    const kill = (probe: string, lastTimestamp: string) =>
      object("Event", `kill-${probe}`, {
        ...{ involvedObject: { uid: "a-uid" }, reason: "Killing", lastTimestamp },
        message: `Container web failed ${probe} probe, will be restarted`,
      });
    const conditions = (state: object, event: KubernetesObject, restartCount = 0) => {
      const status = {
        phase: "Running",
        containerStatuses: [{ name: "web", ready: false, restartCount, imageID: "", state }],
      };
      const pod = podOf("a", "ReplicaSet", "web-2", { "pod-template-hash": "2" }, { status });
      return translate("Deployment", [deployment, set("2", "web:2"), pod, event]).conditions;
    };
    const running = { running: { startedAt: "2026-01-01T00:00:10Z" } };
    const startup = kill("startup", "2026-01-01T00:00:12Z");
    expect(conditions(running, startup)).toEqual([
      { type: "startup_killed", message: "the engine kills a because its startup probe failed" },
    ]);
    expect(conditions({ waiting: {} }, startup)).toMatchObject([{ type: "startup_killed" }]);
    expect(conditions(running, kill("liveness", "2026-01-01T00:00:12Z"))).toMatchObject([{ type: "unhealthy" }]);
    expect(conditions(running, kill("startup", "2026-01-01T00:00:09Z"), 1)).toEqual([]);
    expect(conditions({ waiting: { reason: "CrashLoopBackOff" } }, startup, 1)).toEqual([]);
    expect(conditions({ terminated: { exitCode: 137 } }, startup)).toEqual([]);
  });

  it("tells that its own deadline is over, unless that is said of another release", () => {
    const late = (set: string) => ({
      ...{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" },
      message: `ReplicaSet "${set}" has timed out progressing.`,
    });
    const seen = (condition: object) =>
      translate("Deployment", [
        { ...deployment, status: { conditions: [condition] } },
        set("1", "web:1"),
        set("2", "web:2"),
      ]).conditions;
    expect(seen(late("web-2"))).toEqual([{ type: "start_timeout", message: late("web-2").message }]);
    expect(seen(late("web-1"))).toEqual([]);
    expect(seen({ ...late("web-2"), status: "True", reason: "NewReplicaSetAvailable" })).toEqual([]);
  });

  it("that is paused says so", () => {
    const paused = { ...deployment, spec: { ...(deployment.spec as object), paused: true } };
    const message =
      "somebody else paused deployment/web: its pods stay as they are until `kubectl rollout resume deployment/web`";
    expect(translate("Deployment", [paused]).conditions).toEqual([{ type: "engine_paused", message }]);
  });
});

describe("a StatefulSet and a DaemonSet", () => {
  const revision = (name: string, image: string, kind: string, hash: string): KubernetesObject =>
    object("ControllerRevision", name, {
      metadata: { labels: { "controller-revision-hash": hash }, ...owner(kind, "web") },
      data: { spec: { template: { ...template(image), $patch: "replace" } } },
    });

  it("name a pod's template by the revision's name", () => {
    const pod = podOf("web-0", "StatefulSet", "web", { "controller-revision-hash": "web-7f" });
    const service = translate("StatefulSet", [revision("web-7f", "web:2", "StatefulSet", "7f"), pod]);
    expect(service.instances).toMatchObject([{ slot: "web-0", revision: REVISIONS.new }]);
  });

  it("or by its hash, and a DaemonSet's place is the node", () => {
    const pod = podOf("web-x", "DaemonSet", "web", { "controller-revision-hash": "7f" });
    const daemon = object("DaemonSet", "web", {
      spec: { template: template("web:2") },
      status: { desiredNumberScheduled: 4 },
    });
    const service = translate("DaemonSet", [daemon, revision("web-7f", "web:2", "DaemonSet", "7f"), pod]);
    expect(service).toMatchObject({ desired: 4, instances: [{ slot: "node1", revision: REVISIONS.new }] });
  });

  it("wait for one pod at least until the controller has counted the nodes that take a DaemonSet", () => {
    const daemon = (generation: number, status: object) =>
      object("DaemonSet", "web", { metadata: { generation }, spec: { template: template("web:2") }, status });
    const desired = (one: KubernetesObject, planned = 0) => translate("DaemonSet", [one], { desired: planned }).desired;
    expect(desired(daemon(1, {}))).toBe(1);
    expect(desired(daemon(1, {}), 3)).toBe(3);
    expect(desired(daemon(2, { observedGeneration: 1, desiredNumberScheduled: 4 }))).toBe(4);
    expect(desired(daemon(2, { observedGeneration: 2, desiredNumberScheduled: 2 }), 3)).toBe(2);
    expect(desired(daemon(2, { observedGeneration: 2, desiredNumberScheduled: 0 }), 3)).toBe(0);
  });

  it("tell what forbids a pod by an event, unless it came before the last change", () => {
    const message = 'create Pod web-0 in StatefulSet web failed error: pods "web-0" is forbidden: exceeded quota: full';
    const managedFields = [{ manager: "belay", operation: "Update", time: "2026-01-01T00:01:00Z" }];
    const own = object("StatefulSet", "web", { metadata: { managedFields }, spec: { template: template("web:2") } });
    const event = (lastTimestamp: string) =>
      object("Event", "e", { involvedObject: { uid: "web-uid" }, reason: "FailedCreate", message, lastTimestamp });
    expect(translate("StatefulSet", [own, event("2026-01-01T00:01:01Z")]).conditions).toEqual([
      { type: "quota", message, mayPass: true },
    ]);
    expect(translate("StatefulSet", [own, event("2026-01-01T00:00:59Z")]).conditions).toEqual([]);
    const made = podOf("web-0", "StatefulSet", "web", { "controller-revision-hash": "web-7f" });
    const since = (creationTimestamp: string) => ({ ...made, metadata: { ...made.metadata, creationTimestamp } });
    const seen = (pod: KubernetesObject) => {
      const objects = [own, revision("web-7f", "web:2", "StatefulSet", "7f"), pod, event("2026-01-01T00:01:01Z")];
      return translate("StatefulSet", objects).conditions;
    };
    expect(seen(since("2026-01-01T00:01:00Z"))).toMatchObject([{ type: "quota" }]);
    expect(seen(since("2026-01-01T00:01:02Z"))).toEqual([]);
  });
});

describe("a Job", () => {
  const job = (more: object, backoffLimit = 2) =>
    object("Job", "web", { spec: { template: template("web:2"), backoffLimit }, status: more });
  const failed = podOf("web-x", "Job", "web", {}, { status: { phase: "Failed" } });
  const run = (one: KubernetesObject) => translate("Job", [one, failed], { goal: "complete" }).instances;

  it("forgives a pod that failed as long as it may try again", () => {
    expect(run(job({}))).toEqual([]);
    expect(run(job({ conditions: [{ type: "Failed", status: "True" }] }))).toMatchObject([{ phase: "history" }]);
    expect(run(job({}, 0))).toMatchObject([{ slot: "web", revision: REVISIONS.new }]);
  });

  describe("that starts its container again in the pod", () => {
    const terminated = { exitCode: 1, finishedAt: "2026-01-01T00:00:10Z" };
    const pod = (state: object, restartCount: number, more: object = {}) =>
      podOf(
        "web-x",
        "Job",
        "web",
        {},
        {
          status: {
            phase: "Running",
            containerStatuses: [{ name: "web", ready: false, restartCount, state, ...more }],
          },
        },
      );
    const again = { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } };
    const container = (one: KubernetesObject, seen: KubernetesObject) =>
      translate("Job", [one, seen], { goal: "complete" }).instances[0]?.containers[0];

    it("is waited for until it may not try again", () => {
      for (const seen of [pod({ terminated }, 0), pod(again, 1, { lastState: { terminated } })]) {
        const waiting = container(job({}), seen);
        expect(waiting).toMatchObject({ state: "waiting", restarts: 0 });
        expect(waiting).not.toHaveProperty("lastExit");
        expect(waiting).not.toHaveProperty("reason");
      }
      const second = container(job({}), pod({ running: {} }, 1, { lastState: { terminated } }));
      expect(second).toMatchObject({ state: "running", restarts: 0 });
      expect(second).not.toHaveProperty("lastExit");
      const over = job({ conditions: [{ type: "FailureTarget", status: "True" }] });
      for (const one of [over, job({}, 0)]) {
        expect(container(one, pod({ terminated }, 2))).toMatchObject({ restarts: 2, lastExit: { code: 1 } });
      }
    });

    it("has done its work when a later try ends well, and is not tried again for what never starts", () => {
      const done = { terminated: { exitCode: 0, finishedAt: "2026-01-01T00:00:20Z" } };
      const right = { state: "exited", restarts: 0, lastExit: { code: 0 } };
      expect(container(job({}), pod(done, 1))).toMatchObject(right);
      expect(container(job({ conditions: [{ type: "Complete", status: "True" }] }), pod(done, 1))).toMatchObject(right);
      const unread = { waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image" } };
      expect(container(job({}), pod(unread, 0))).toMatchObject({ state: "waiting", reason: "ImagePullBackOff" });
    });
  });

  it("whose pods are gone tells itself that it has failed", () => {
    const failedJob = job({
      conditions: [{ type: "Failed", status: "True", reason: "DeadlineExceeded", message: "late" }],
    });
    const conditions = (...objects: KubernetesObject[]) => translate("Job", objects, { goal: "complete" }).conditions;
    expect(conditions(failedJob)).toEqual([{ type: "exited", message: "DeadlineExceeded: late" }]);
    expect(conditions(failedJob, failed)).toEqual([]);
    expect(conditions(job({}))).toEqual([]);
  });
});
