import { describe, expect, it, test } from "vitest";
import type { ContainerStatus, Pod, PodEvent } from "./pod.ts";
import { digestsIn, translatePod } from "./translate-pod.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const PLACE = { revision: "r1", slot: "web-1" };

interface Shape {
  readonly meta?: Partial<Pod["metadata"]>;
  readonly status?: Pod["status"];
  readonly container?: Partial<ContainerStatus>;
  readonly probes?: boolean;
}

function pod({ meta = {}, status = {}, container, probes }: Shape): Pod {
  const statuses = container && [{ name: "web", ready: false, restartCount: 0, imageID: "", ...container }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-1", uid: "u1", creationTimestamp: "2026-01-01T00:00:00Z", ...meta },
    spec: { containers: [{ name: "web", ...(probes ? { startupProbe: {} } : {}) }] },
    status: { ...(statuses === undefined ? {} : { containerStatuses: statuses }), ...status },
  };
}

const container = (shape: Shape, events: readonly PodEvent[] = []) =>
  translatePod(pod(shape), PLACE, events).containers[0];

const READY = { conditions: [{ type: "Ready", status: "True" }] } as const;

describe("a pod", () => {
  test.each<[string, Shape, object]>([
    ["waits", { status: { phase: "Pending" } }, { phase: "current", ready: false }],
    ["serves", { status: { phase: "Running", ...READY } }, { phase: "current", ready: true }],
    [
      "drains, and serves no more, however ready it says it is",
      { meta: { deletionTimestamp: "2026-01-01T00:00:01Z" }, status: { phase: "Running", ...READY } },
      { phase: "draining", ready: false },
    ],
    ["is done", { status: { phase: "Succeeded" } }, { phase: "history", endedBy: "self" }],
    ["was evicted", { status: { phase: "Failed", reason: "Evicted" } }, { phase: "history", endedBy: "node" }],
    ["failed by itself", { status: { phase: "Failed" } }, { phase: "history", endedBy: "self" }],
  ])("that %s", (_name, shape, expected) => {
    expect(translatePod(pod(shape), PLACE, [])).toMatchObject({ id: "u1", title: "web-1", ...PLACE, ...expected });
  });

  it("that its node sends away drains until it has ended", () => {
    const evicted: PodEvent = {
      ...{ apiVersion: "v1", kind: "Event", metadata: { name: "e" }, involvedObject: { uid: "u1" } },
      reason: "Evicted",
    };
    const chosen = { conditions: [{ type: "DisruptionTarget", status: "True" }] } as const;
    const leaving = { phase: "draining", ready: false };
    expect(translatePod(pod({ status: { phase: "Running", ...READY } }), PLACE, [evicted])).toMatchObject(leaving);
    expect(translatePod(pod({ status: { phase: "Running", ...chosen } }), PLACE, [])).toMatchObject(leaving);
    const gone = pod({ status: { phase: "Failed", reason: "Evicted", ...chosen } });
    expect(translatePod(gone, PLACE, [evicted])).toMatchObject({ phase: "history", endedBy: "node" });
  });

  it("that obeyed its node and ended with 0 is no crash, although the kubelet calls it `Succeeded`", () => {
    const byNode = { phase: "history", endedBy: "node" };
    const chosen = { conditions: [{ type: "DisruptionTarget", status: "True" }] } as const;
    expect(translatePod(pod({ status: { phase: "Succeeded", ...chosen } }), PLACE, [])).toMatchObject(byNode);
    const always = pod({ status: { phase: "Succeeded" } });
    const spec = { ...always.spec, restartPolicy: "Always" };
    expect(translatePod({ ...always, spec }, PLACE, [])).toMatchObject(byNode);
    const never = { ...always.spec, restartPolicy: "Never" };
    expect(translatePod({ ...always, spec: never }, PLACE, [])).toMatchObject({ endedBy: "self" });
  });

  it("has init containers, sidecars and main ones in their roles", () => {
    const base = pod({});
    const initContainers = [{ name: "migrate" }, { name: "proxy", restartPolicy: "Always" }];
    const both = { ...base, spec: { ...base.spec, initContainers } };
    const roles = translatePod(both, PLACE, []).containers.map(({ name, role }) => [name, role]);
    expect(roles).toEqual([
      ["migrate", "init"],
      ["proxy", "sidecar"],
      ["web", "main"],
    ]);
  });
});

describe("a container", () => {
  test.each([
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "CreateContainerConfigError",
    "RunContainerError",
    "ContainerCreating",
  ])("that waits because of %s", (reason) => {
    expect(container({ container: { state: { waiting: { reason } } } })).toMatchObject({ state: "waiting", reason });
  });

  it("tells the kubelet's sentence beside its word", () => {
    const message = "container has runAsNonRoot and image will run as root";
    const waiting = { reason: "CreateContainerConfigError", message };
    expect(container({ container: { state: { waiting } } })).toMatchObject({ state: "waiting", ...waiting });
  });

  test.each([
    "failed to sync configmap cache: timed out waiting for the condition",
    "services have not yet been read at least once, cannot construct envvars",
  ])("of a kubelet that has not read everything yet has no reason: %s", (message) => {
    const waiting = { reason: "CreateContainerConfigError", message };
    const seen = container({ container: { state: { waiting } } });
    expect(seen).toMatchObject({ state: "waiting", message });
    expect(seen).not.toHaveProperty("reason");
  });

  it("that ended shows its end, and one that runs again its last one", () => {
    const terminated = { exitCode: 3, finishedAt: "2026-01-01T00:00:05Z" };
    const lastExit = { code: 3, oomKilled: false, at: Date.parse(terminated.finishedAt) };
    expect(container({ container: { state: { terminated } } })).toMatchObject({ state: "exited", lastExit });
    const again = container({ container: { restartCount: 1, state: { running: {} }, lastState: { terminated } } });
    expect(again).toMatchObject({ state: "running", restarts: 1, lastExit });
  });

  it("was killed for its memory", () => {
    const terminated = { exitCode: 137, reason: "OOMKilled" };
    expect(container({ container: { state: { terminated } } })?.lastExit).toEqual({ code: 137, oomKilled: true });
  });

  it("that never ran its program tells the engine's words, one that did tells its exit code only", () => {
    const message = 'exec: "/no/such": stat /no/such: no such file or directory';
    const end = (reason: string) =>
      container({ container: { lastState: { terminated: { exitCode: 128, reason, message } } } })?.lastExit?.error;
    expect(end("StartError")).toBe(message);
    expect(end("ContainerCannotRun")).toBe(message);
    expect(end("Error")).toBeUndefined();
  });

  it("has no health without probes, and is never unhealthy with them", () => {
    expect(container({ container: {} })?.health).toBe("none");
    expect(container({ probes: true, container: {} })?.health).toBe("starting");
    expect(container({ probes: true, container: { ready: true } })?.health).toBe("healthy");
  });
});

describe("a kill by a probe", () => {
  const terminated = { exitCode: 137, startedAt: "2026-01-01T00:00:10Z", finishedAt: "2026-01-01T00:00:20Z" };
  const event = (message: string, lastTimestamp: string, reason = "Killing"): PodEvent => ({
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "e" },
    involvedObject: { uid: "u1" },
    reason,
    message,
    lastTimestamp,
  });
  const killedBy = (...events: PodEvent[]) =>
    container({ container: { state: { terminated } } }, events)?.lastExit?.killedBy;
  const at = "2026-01-01T00:00:19Z";

  it("is the one that the kubelet tells", () => {
    expect(killedBy(event("Container web failed startup probe, will be restarted", at))).toBe("startup probe");
    expect(killedBy(event("Container web failed liveness probe, will be restarted", at))).toBe("liveness probe");
  });

  it("is none when it was another container, another run of it, or another reason to end", () => {
    expect(killedBy(event("Container proxy failed liveness probe, will be restarted", at))).toBeUndefined();
    expect(
      killedBy(event("Container web failed liveness probe, will be restarted", "2026-01-01T00:00:08Z")),
    ).toBeUndefined();
    expect(killedBy(event("Stopping container web", at))).toBeUndefined();
    expect(killedBy(event("Container web failed liveness probe, will be restarted", at, "Unhealthy"))).toBeUndefined();
  });
});

test.each([
  [`127.0.0.1:5000/shop/web@${DIGEST}`, [DIGEST]],
  [DIGEST, [DIGEST]],
  [`docker-pullable://shop@${DIGEST}`, [DIGEST]],
  ["", []],
  ["shop/web:1", []],
])("the digest in %s", (imageId, digests) => {
  expect(digestsIn(imageId)).toEqual(digests);
});
