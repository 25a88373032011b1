import type { Wanted } from "@belay/core";
import type { Service, Task, TaskState } from "@belay/docker";
import { describe, expect, it } from "vitest";
import { IMAGE, node, OTHER_IMAGE, service, spec, task } from "../testing/tasks.ts";
import { taskRevision } from "./task-revision.ts";
import { type Knowledge, translateService } from "./translate-service.ts";
import { translateTask } from "./translate-task.ts";

const NETWORKS = new Map<string, string>();
const revision = (image: string): string => taskRevision(task({ state: "new", image }).Spec, NETWORKS);
const WANTED: Wanted = { service: "web", goal: "run", desired: 2, revision: revision(IMAGE), digests: [] };

function seen(
  tasks: readonly Task[],
  more: Partial<Knowledge> & { wanted?: Wanted; service?: Service | undefined } = {},
) {
  const shown = "service" in more ? more.service : service();
  return translateService(more.wanted ?? WANTED, shown, tasks, {
    name: "shop_web",
    revisionOf: ({ Spec }) => taskRevision(Spec, NETWORKS),
    translate: translateTask,
    inForce: ({ Spec }) => taskRevision(Spec.TaskTemplate, NETWORKS),
    leaving: new Set(),
    local: () => ({}),
    oom: new Set(),
    excused: new Set(),
    nodes: [],
    written: undefined,
    ...more,
  });
}

const phaseOf = (tasks: readonly Task[]) => seen(tasks).instances.map(({ phase }) => phase);

describe("the tasks of a service", () => {
  it("are ready when the engine calls them running, which is after their health check", () => {
    const { instances } = seen([task({ state: "running" }), task({ state: "starting", slot: 2 })]);
    expect(instances.map(({ ready, containers }) => [ready, containers[0]?.health])).toEqual([
      [true, "none"],
      [false, "starting"],
    ]);
  });

  it("tell their revision by their spec, not by the image's digest alone", () => {
    const changed = task({ state: "running" });
    const env = { ...changed.Spec.ContainerSpec, Image: IMAGE, Env: ["A=c"] };
    const { instances } = seen([changed, { ...changed, ID: "x", Spec: { ...changed.Spec, ContainerSpec: env } }]);
    expect(instances[0]?.revision).toBe(WANTED.revision);
    expect(instances[1]?.revision).not.toBe(WANTED.revision);
  });

  it("that were told to end are draining while they do, and history after", () => {
    expect(phaseOf([task({ state: "running", desired: "shutdown" })])).toEqual(["draining"]);
    expect(phaseOf([task({ state: "shutdown", desired: "shutdown" })])).toEqual(["history"]);
  });

  it("that crashed are history once another one has their slot, and count until then", () => {
    const dead = task({ state: "failed", desired: "shutdown", exitCode: 3, err: "task: non-zero exit (3)" });
    expect(phaseOf([dead])).toEqual(["current"]);
    expect(phaseOf([dead, task({ state: "ready", desired: "ready", at: 1 })])).toEqual(["history", "current"]);
  });

  it("that crashed say so with their exit code", () => {
    const [crashed] = seen([task({ state: "failed", exitCode: 3, err: "task: non-zero exit (3)" })]).instances;
    expect(crashed).toMatchObject({ endedBy: "self", containers: [{ state: "exited", lastExit: { code: 3 } }] });
  });

  it("that a node must give up for the service's new constraints were not at fault", () => {
    const evicted = task({ state: "rejected", desired: "shutdown", err: "assigned node no longer meets constraints" });
    const [instance] = seen([evicted]).instances;
    expect(instance).toMatchObject({ phase: "history", endedBy: "node" });
    expect(instance?.containers[0]?.reason).toBeUndefined();
    expect(instance?.containers[0]?.lastExit?.error).toBeUndefined();
    const refused = task({ state: "rejected", err: "No such image: shop" });
    expect(seen([refused]).instances[0]?.containers[0]?.reason).toBe("ErrImagePull");
  });

  it("that a node refused for what passes were not at fault, and are waited for", () => {
    const err = "invalid pool request: Pool overlaps with other one on this address space";
    const refused = task({ state: "rejected", err });
    const [instance] = seen([refused], { excused: new Set([refused.ID]) }).instances;
    expect(instance).toMatchObject({ phase: "current", endedBy: "node", ready: false });
    expect(instance?.containers[0]?.reason).toBeUndefined();
    expect(instance?.containers[0]?.lastExit?.error).toBeUndefined();
    const [lasting] = seen([refused]).instances;
    expect(lasting?.containers[0]).toMatchObject({ reason: "CreateContainerError", lastExit: { error: err } });
  });

  it("whose container died are seen so before the manager knows", () => {
    const [died] = seen([task({ state: "running" })], { local: () => ({ exitCode: 3 }) }).instances;
    expect(died).toMatchObject({
      ready: false,
      endedBy: "self",
      containers: [{ state: "exited", lastExit: { code: 3 } }],
    });
  });

  it("that were seen on their way out did not crash, however they end", () => {
    const ended = task({ id: "told", state: "failed", desired: "shutdown", exitCode: 143 });
    expect(seen([ended], { leaving: new Set(["told"]) }).instances[0]?.endedBy).toBe("engine");
    expect(seen([ended], { local: () => ({ killed: true }) }).instances[0]?.endedBy).toBe("engine");
  });

  it.for<readonly [string, Parameters<typeof task>[0], object]>([
    ["by the event", { state: "starting" }, { health: "unhealthy" }],
    [
      "by the engine's words",
      { state: "failed", exitCode: 137, err: "task: non-zero exit (137): dockerexec: unhealthy container" },
      {},
    ],
  ])("are unhealthy %s", ([, facts, local]) => {
    expect(seen([task(facts)], { local: () => local }).instances[0]?.containers[0]?.health).toBe("unhealthy");
  });

  it.for([
    ["ErrImagePull", "rejected", "No such image: registry.test/shop@sha256:aa"],
    [
      "CreateContainerConfigError",
      "rejected",
      'invalid mount config for type "bind": bind source path does not exist: /x',
    ],
    ["CreateContainerConfigError", "rejected", "secret shop_key not found"],
    ["CreateContainerError", "rejected", "conflict"],
    ["StartError", "failed", "starting container failed: exec: /no/such: no such file or directory"],
  ] as const)("that never ran say why: %s", ([reason, state, err]) => {
    const [instance] = seen([task({ state, err })]).instances;
    expect(instance?.containers[0]).toMatchObject({ reason, lastExit: { error: err } });
  });

  it("whose image is pulled say what they wait for", () => {
    const messageOf = (state: TaskState) => seen([task({ state })]).instances[0]?.containers[0]?.message;
    expect(messageOf("preparing")).toMatch(/pulls the image/);
    for (const state of ["pending", "ready", "running"] as const) expect(messageOf(state)).toBeUndefined();
  });

  it("that ended well after all have no reason", () => {
    const [done] = seen([task({ state: "complete", desired: "shutdown", exitCode: 0 })]).instances;
    expect(done?.containers[0]).toMatchObject({ state: "exited", lastExit: { code: 0 } });
    expect(done?.containers[0]).not.toHaveProperty("reason");
  });

  it("ended for lack of memory where that was seen", () => {
    const killed = task({ id: "big", state: "failed", exitCode: 137 });
    expect(seen([killed], { oom: new Set(["big"]) }).instances[0]?.containers[0]?.lastExit?.oomKilled).toBe(true);
    expect(seen([killed]).instances[0]?.containers[0]?.lastExit?.oomKilled).toBe(false);
  });

  it("of a job's earlier runs are not shown", () => {
    const job = service({
      Spec: spec({ Mode: { ReplicatedJob: { TotalCompletions: 1 } } }),
      JobStatus: { JobIteration: { Index: 5 } },
    });
    const tasks = [
      task({ id: "old", state: "complete", iteration: 4 }),
      task({ id: "new", state: "running", iteration: 5 }),
    ];
    expect(seen(tasks, { service: job }).instances.map(({ id }) => id)).toEqual(["new"]);
  });
});

describe("the number of tasks", () => {
  it("is the live one of a replicated service", () => {
    expect(seen([], { service: service({ Spec: spec({ Mode: { Replicated: { Replicas: 5 } } }) }) }).desired).toBe(5);
  });

  it("is the number of nodes that a global service may run on", () => {
    const global = spec({ Mode: { Global: {} } });
    const nodes = [node("a", { labels: { disk: "ssd" } }), node("b"), node("c", { availability: "drain" })];
    expect(seen([], { service: service({ Spec: global }), nodes }).desired).toBe(2);
    // It keeps its task there.
    const unheard = { ...node("d"), Status: { State: "unknown" } } as const;
    expect(seen([], { service: service({ Spec: global }), nodes: [...nodes, unheard] }).desired).toBe(3);
    const Placement = { Constraints: ["node.labels.disk == ssd"] };
    const picky = { ...global, TaskTemplate: { ...global.TaskTemplate, Placement } };
    expect(seen([], { service: service({ Spec: picky }), nodes }).desired).toBe(1);
    const others = {
      ...global,
      TaskTemplate: { ...global.TaskTemplate, Placement: { Constraints: ["node.labels.disk != ssd"] } },
    };
    expect(seen([], { service: service({ Spec: others }), nodes }).desired).toBe(1);
  });
});

describe("what the engine does by itself", () => {
  const update = (State: "paused" | "rollback_paused" | "rollback_completed", Message: string) => ({ State, Message });

  // `rollback_paused`: its own way back has failed, too (moby, `cluster/convert/service.go`).
  it.each(["paused", "rollback_paused"] as const)("is %s, with the words of the task for which it did so", (state) => {
    const bad = task({ id: "bad1", state: "failed", err: "task: non-zero exit (3)" });
    const status = update(state, "paused due to failure or early termination of task bad1");
    const nodes = [node("here")];
    const { conditions } = seen([bad], { service: service({ UpdateStatus: status }), nodes });
    // On a node that is gone, the task's end was the node's.
    expect(seen([bad], { service: service({ UpdateStatus: status }), nodes: [node("other")] }).conditions).toEqual([]);
    expect(conditions).toEqual([{ type: "engine_paused", message: `${status.Message} (task: non-zero exit (3))` }]);
  });

  it("is no matter for what runs once: the engine takes every end for a failure", () => {
    const status = update("paused", "early termination");
    const wanted = { ...WANTED, goal: "complete" as const };
    expect(seen([], { service: service({ UpdateStatus: status }), wanted }).conditions).toEqual([]);
  });

  const rolledBack = service({ UpdateStatus: update("rollback_completed", "rollback completed") });

  it("rolls back only what is not wanted, and what Belay has written", () => {
    const wanted = { ...WANTED, revision: revision(OTHER_IMAGE) };
    const written = wanted.revision;
    expect(seen([], { service: rolledBack, wanted, written }).conditions).toMatchObject([
      { type: "engine_rolled_back" },
    ]);
    expect(seen([], { service: rolledBack, wanted }).conditions).toEqual([]);
    expect(seen([], { service: rolledBack, written }).conditions).toEqual([]);
  });

  it("is told from what a person did", () => {
    const wanted = { ...WANTED, revision: revision(OTHER_IMAGE) };
    expect(seen([], { wanted, written: wanted.revision }).conditions).toMatchObject([{ type: "drifted" }]);
  });

  it("does not remove what is there", () => {
    const gone = { type: "drifted", message: "somebody else removed shop_web in between", mayPass: true };
    expect(seen([], { service: undefined, written: WANTED.revision }).conditions).toEqual([gone]);
    expect(seen([], { service: undefined }).conditions).toEqual([]);
  });

  it("finds no node for a task of the new spec, and gives no sign of giving up", () => {
    const err = "no suitable node (scheduling constraints not satisfied on 1 node)";
    const waiting = task({ state: "pending", err });
    expect(seen([waiting]).conditions).toEqual([{ type: "unschedulable", message: err }]);
    expect(seen([task({ state: "pending", err, image: OTHER_IMAGE })]).conditions).toEqual([]);
  });

  it("finds no ready node, which says nothing while a new leader has not heard of one", () => {
    const waiting = task({ state: "pending", err: "no suitable node (2 nodes not available for new tasks)" });
    const [heard, unheard] = [node("a"), { ...node("b"), Status: { State: "unknown" } } as const];
    expect(seen([waiting], { nodes: [heard, unheard] }).conditions).toEqual([]);
    expect(seen([waiting], { nodes: [heard] }).conditions).toMatchObject([{ type: "unschedulable" }]);
    const drained = { ...node("b", { availability: "drain" }), Status: { State: "unknown" } } as const;
    expect(seen([waiting], { nodes: [heard, drained] }).conditions).toMatchObject([{ type: "unschedulable" }]);
    const never = task({ state: "pending", err: "no suitable node (scheduling constraints not satisfied on 2 nodes)" });
    expect(seen([never], { nodes: [unheard] }).conditions).toMatchObject([{ type: "unschedulable" }]);
  });
});
