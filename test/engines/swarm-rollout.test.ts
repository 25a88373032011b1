import { LABELS, type Plan } from "@belay/core";
import { type Docker, isOutOfSequence, type Services, type UpdateConfig } from "@belay/docker";
import { deploy, recover } from "@belay/rollout";
import { waitUntil } from "@belay/testkit";
import { describe, expect } from "vitest";
import { POLICY } from "../contract/policy.ts";
import { it, type Shop } from "./swarm-services.ts";

const START_FIRST = ["--update-order", "start-first"];

/** Whoever only waits for the end of it is late. */
const PATIENCE = { startMs: 180_000, deadlineMs: 240_000 };

/** What a person does once, just before the run comes to this step. */
function once(step: string, act: () => Promise<unknown>): (now: string) => Promise<void> {
  let done = false;
  return async (now) => {
    if (now !== step || done) return;
    done = true;
    await act();
  };
}

/** The shop's client, which notes of each update when it is sent and when it is done, while `isNoted`. */
function noting(shop: Shop, isNoted: () => boolean): { readonly docker: Docker; readonly updates: readonly string[] } {
  const updates: string[] = [];
  const update: Services["update"] = async (id, version, spec, options) => {
    if (!isNoted()) return shop.docker.services.update(id, version, spec, options);
    updates.push(`${spec.Name} is sent`);
    try {
      await shop.docker.services.update(id, version, spec, options);
      updates.push(`${spec.Name} is done`);
    } catch (error) {
      // The engine's updater was faster: it is sent again.
      if (isOutOfSequence(error)) updates.pop();
      throw error;
    }
  };
  return { docker: { ...shop.docker, services: { ...shop.docker.services, update } }, updates };
}

/** Runs until just before `step` (of `stage`), and never goes on: a killed run does nothing more. */
async function dieBefore(shop: Shop, step: string, stage: string, variant: "good2" | "crash"): Promise<void> {
  await new Promise<void>((resolve) => {
    const onStep = async (name: string, at?: string): Promise<void> => {
      if (name !== step || at !== stage) return;
      resolve();
      await new Promise(() => undefined);
    };
    void shop.deploy({ web: variant }, { ports: { onStep, lifeMs: 2_000_000 } });
  });
}

/**
 * Sends its update and does nothing more. The engine gets another spec than the one that the label names, as if it had made
 * that of it itself: which engine adds what to which spec changes from one version to the next.
 */
async function dieAfterUpdate(shop: Shop): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const update: Services["update"] = async (id, version, { TaskTemplate, ...spec }, options) => {
      const ContainerSpec = { Image: "", ...TaskTemplate.ContainerSpec, Dir: "/" };
      const sent = { ...spec, TaskTemplate: { ...TaskTemplate, ContainerSpec } };
      await shop.docker.services.update(id, version, sent, options).then(resolve, reject);
      await new Promise(() => undefined);
    };
    const docker = { ...shop.docker, services: { ...shop.docker.services, update } };
    const run = async (): Promise<void> => {
      const release = await shop.release({ web: "good2" });
      await deploy({ release, policy: POLICY }, shop.ports(await shop.target({ docker }), { lifeMs: 2_000_000 }));
    };
    run().catch(reject);
  });
}

describe.concurrent("existing services of a swarm", () => {
  it.for(["start-first", "stop-first"])(
    "take a good release and go back from a bad one, %s",
    async (order, { shop }) => {
      await shop.create("good1", ["--replicas", "2", "--update-order", order, "--update-delay", "100ms"]);
      const before = (await shop.inspect()).Spec;
      const good = await shop.deploy({ web: "good2" });
      expect(good, shop.log.text()).toMatchObject({
        outcome: "succeeded",
        report: { running: [{ ready: 2, deployment: 1 }] },
      });
      const after = (await shop.inspect()).Spec;
      // As `docker service update --image`: nothing else of the user's spec changes.
      expect(after.TaskTemplate.ContainerSpec).toEqual({
        ...before.TaskTemplate.ContainerSpec,
        Image: await shop.pin("good2"),
      });
      expect(after.UpdateConfig).toEqual(before.UpdateConfig);
      expect(after.TaskTemplate.ForceUpdate).toBe(before.TaskTemplate.ForceUpdate);
      expect(await shop.deploy({ web: "good2" })).toMatchObject({ outcome: "unchanged" });
      const bad = await shop.deploy({ web: "crash" });
      expect(bad, shop.log.text()).toMatchObject({
        outcome: "rolled_back",
        cause: { cause: "crash_loop", service: "web" },
      });
      expect((await shop.inspect()).Spec).toEqual(after);
      expect(await shop.running()).toEqual([await shop.pin("good2"), await shop.pin("good2")]);
    },
  );

  it("change in the order that their labels say, which stay", async ({ shop }) => {
    await shop.create("good1", ["--label", "dev.belay.depends-on=api"]);
    await shop.create("good1", [], "api");
    const stages: string[] = [];
    const onStep = (step: string, stage = ""): void => {
      if (step === "act") stages.push(stage);
    };
    const result = await shop.deploy({ web: "good2", api: "good2" }, { ports: { onStep } });
    expect(result, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    expect(result.report.findings.map(({ check }) => check)).not.toContain("dependency_unknown");
    expect(stages).toEqual(["update api", "update web"]);
    expect((await shop.inspect()).Spec.Labels).toMatchObject({ "dev.belay.depends-on": "api" });
  });

  it("come back in the reverse order, one after the other", async ({ shop }) => {
    await shop.create("good1", ["--label", "dev.belay.depends-on=api"]);
    await shop.create("good1", [], "api");
    let now = "";
    const onStep = (step: string, stage = ""): void => {
      now = `${step} of ${stage}`;
    };
    const { docker, updates } = noting(shop, () => now === "restore act of restore");
    const release = await shop.release({ web: "crash", api: "good2" });
    const bad = await deploy({ release, policy: POLICY }, shop.ports(await shop.target({ docker }), { onStep }));
    expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back", cause: { service: "web" } });
    const inOrder = ["web", "api"].flatMap((name) => [`${shop.name(name)} is sent`, `${shop.name(name)} is done`]);
    expect(updates).toEqual(inOrder);
    for (const service of ["web", "api"]) expect(await shop.image(service)).toBe(await shop.pin("good1"));
  });

  it("go back for good although the engine is to roll back by itself, and keep that setting", async ({ shop }) => {
    const options = [
      "--replicas",
      "3",
      ...START_FIRST,
      "--update-failure-action",
      "rollback",
      "--update-monitor",
      "2s",
    ];
    await shop.create("good1", options);
    const before = (await shop.inspect()).Spec.UpdateConfig;
    const bad = await shop.deploy({ web: "unhealthy" });
    expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back", cause: { cause: "unhealthy" } });
    expect((await shop.inspect()).Spec.UpdateConfig).toEqual(before as UpdateConfig);
    // Had the engine taken the way back for a failed update, it would bring the bad release back within its monitor.
    const settled = async () => (await shop.inspect()).UpdateStatus?.State !== "updating";
    await waitUntil("the engine's updater is done", settled, { withinMs: 30_000 });
    expect(await shop.image()).toBe(await shop.pin("good1"));
    expect(new Set(await shop.running())).toEqual(new Set([await shop.pin("good1")]));
  });

  it.for(["rollback", "pause"])(
    "are proven on the old release when the engine was faster with its %s",
    async (action, { shop }) => {
      await shop.create("good1", ["--replicas", "1", ...START_FIRST, "--update-failure-action", action]);
      const bad = await shop.deploy({ web: "exits" }, { policy: { crashes: 99, stableMs: 15_000 } });
      // 99 crashes would be tolerated: what the engine did decided, and the crash that it reacted to is named.
      const words = action === "pause" ? /^exit code 0; .*pause/ : /^exit code 0; .*roll/;
      const cause = { cause: "exited", detail: expect.stringMatching(words) };
      expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back", cause });
      expect(await shop.image()).toBe(await shop.pin("good1"));
    },
  );

  it("are proven on the old release when a person has the engine roll it back", async ({ shop }) => {
    await shop.create("good1", ["--replicas", "2", ...START_FIRST]);
    const onStep = once("watch", () => shop.engine.docker(["service", "rollback", "--detach", shop.name()]));
    const result = await shop.deploy(
      { web: "good2" },
      { policy: { ...PATIENCE, stableMs: 15_000 }, ports: { onStep } },
    );
    const cause = { cause: "engine_rolled_back", service: "web", detail: expect.stringContaining("rollback") };
    expect(result, shop.log.text()).toMatchObject({ outcome: "rolled_back", cause });
    expect(await shop.image()).toBe(await shop.pin("good1"));
    expect(await shop.running()).toEqual([await shop.pin("good1"), await shop.pin("good1")]);
  });

  it("stay as a person made them in the middle of a deployment", async ({ shop }) => {
    await shop.create("good1", ["--replicas", "2", ...START_FIRST]);
    let done = false;
    const onStep = async (step: string): Promise<void> => {
      if (step !== "watch" || done) return;
      done = true;
      await shop.engine.docker([
        "service",
        "update",
        "--detach",
        "--no-resolve-image",
        "--env-add",
        "HAND=made",
        shop.name(),
      ]);
    };
    const result = await shop.deploy({ web: "good2" }, { ports: { onStep } });
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rollback_failed",
      cause: { cause: "drifted", service: "web" },
    });
    expect((await shop.inspect()).Spec.TaskTemplate.ContainerSpec?.Env).toEqual(["HAND=made"]);
  });

  it("come back as they were when a person removes them, and that is told", async ({ shop }) => {
    await shop.create("good1", ["--replicas", "2", ...START_FIRST]);
    const onStep = once("watch", () => shop.engine.docker(["service", "rm", shop.name()]));
    const result = await shop.deploy({ web: "unhealthy" }, { policy: PATIENCE, ports: { onStep } });
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rolled_back",
      leftOpen: false,
      cause: { cause: "drifted", service: "web", detail: `somebody else removed ${shop.name()} in between` },
      report: { running: [{ service: "web", ready: 2 }] },
    });
    expect(await shop.running()).toEqual([await shop.pin("good1"), await shop.pin("good1")]);
  });

  it.for([
    ["removed", (name: string): string[] => ["service", "rm", name], []],
    ["changed", (name: string): string[] => ["service", "update", "--detach", "--env-add", "HAND=made", name], ["api"]],
  ] as const)("that a release does not touch are left when they are %s, and that is told", async (one, { shop }) => {
    const [what, act, left] = one;
    for (const service of ["web", "api"]) await shop.create("good1", [], service);
    expect(await shop.deploy({ web: "good1", api: "good1" })).toMatchObject({ outcome: "succeeded" });
    const onStep = once("watch", () => shop.engine.docker(act(shop.name("api"))));
    const result = await shop.deploy({ web: "good2", api: "good1" }, { policy: PATIENCE, ports: { onStep } });
    const detail = `somebody else ${what} ${shop.name("api")} in between`;
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rollback_failed",
      leftOpen: false,
      cause: { cause: "drifted", service: "api", detail },
    });
    expect(await shop.image()).toBe(await shop.pin("good1"));
    expect(result.report.running.map(({ service }) => service).sort()).toEqual([...left, "web"]);
  });

  it("get their user's settings back from the next deployment when the way back fails", async ({ shop }) => {
    const options = [...START_FIRST, "--update-failure-action", "rollback", "--update-delay", "100ms"];
    await shop.create("good1", ["--replicas", "2", ...options]);
    const before = (await shop.inspect()).Spec.UpdateConfig as UpdateConfig;
    let done = false;
    const onStep = async (step: string): Promise<void> => {
      if (step !== "restore watch" || done) return;
      done = true;
      const change = ["service", "update", "--detach", "--no-resolve-image", "--env-add", "HAND=made", shop.name()];
      await shop.engine.docker(change);
    };
    const bad = await shop.deploy({ web: "crash" }, { ports: { onStep } });
    expect(bad, shop.log.text()).toMatchObject({ outcome: "rollback_failed" });
    expect((await shop.inspect()).Spec.UpdateConfig).toMatchObject({ FailureAction: "continue" });
    const good = await shop.deploy({ web: "good2" });
    expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    const { UpdateConfig, Labels } = (await shop.inspect()).Spec;
    expect(UpdateConfig).toEqual(before);
    expect(Labels).not.toHaveProperty([LABELS.updateConfig]);
  });

  it("keep a scale that is set in the middle of a deployment that fails", async ({ shop }) => {
    await shop.create("good1", ["--replicas", "2", ...START_FIRST]);
    let done = false;
    const onStep = async (step: string): Promise<void> => {
      if (step !== "watch" || done) return;
      done = true;
      await shop.engine.docker(["service", "scale", "--detach", `${shop.name()}=3`]);
    };
    const result = await shop.deploy({ web: "unhealthy" }, { ports: { onStep } });
    expect(result, shop.log.text()).toMatchObject({ outcome: "rolled_back", report: { running: [{ desired: 3 }] } });
    // With start-first a slot may have two tasks for a moment.
    await waitUntil("three tasks run", async () => (await shop.running()).length === 3, { withinMs: 30_000 });
    expect(new Set(await shop.running())).toEqual(new Set([await shop.pin("good1")]));
    expect((await shop.inspect()).Spec.Mode).toEqual({ Replicated: { Replicas: 3 } });
  });

  it("may run on every node, and come back there", async ({ shop }) => {
    await shop.create("good1", ["--mode", "global"]);
    expect(await shop.deploy({ web: "good2" }), shop.log.text()).toMatchObject({ outcome: "succeeded" });
    const bad = await shop.deploy({ web: "wrong-command" });
    expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back", cause: { cause: "start_failed" } });
    expect(await shop.running()).toEqual([await shop.pin("good2")]);
  });

  it("may be jobs, which run to their end", async ({ shop }) => {
    await shop.create("job-done1", ["--mode", "replicated-job", "--restart-condition", "none"]);
    const good = await shop.deploy({ web: "job-done2" });
    expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    const bad = await shop.deploy({ web: "job-fails" });
    expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back" });
    expect(["exited", "crash_loop"]).toContain(bad.cause?.cause);
    expect(await shop.image()).toBe(await shop.pin("job-done2"));
    expect(bad.report.notCovered).toContain("what web does when it runs");
  });
});

// Not beside the others: the setting is the swarm's.
describe("services of a swarm that keeps no ended tasks", () => {
  it("are taken off for the engine's pause when it shows the failed task no more", async ({ shop, onTestFinished }) => {
    const keepTasks = (limit: string) => shop.engine.docker(["swarm", "update", "--task-history-limit", limit]);
    onTestFinished(() => keepTasks("5").then(() => undefined));
    await keepTasks("0");
    // The task after the failed one is not to fail meanwhile.
    await shop.create("good1", [...START_FIRST, "--restart-delay", "120s"]);
    const isForgotten = async (): Promise<boolean> => {
      const { UpdateStatus } = await shop.inspect();
      if (UpdateStatus?.State !== "paused") return false;
      const tasks = await shop.docker.tasks.list({ filters: { service: [shop.name()] } });
      return !tasks.some(({ ID }) => UpdateStatus.Message?.includes(ID));
    };
    const onStep = once("watch", () => waitUntil("the failed task is forgotten", isForgotten, { withinMs: 60_000 }));
    const bad = await shop.deploy({ web: "crash" }, { policy: PATIENCE, ports: { onStep } });
    const cause = { cause: "engine_paused", service: "web", detail: expect.stringMatching(/^update paused due to/) };
    expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back", cause });
    expect(await shop.image()).toBe(await shop.pin("good1"));
    expect(await shop.running()).toEqual([await shop.pin("good1")]);
  });
});

describe.concurrent("the way back by hand", () => {
  it("is planned from the snapshots of three deployments, and is a deployment like any other", async ({ shop }) => {
    await shop.create("good1", ["--replicas", "1", ...START_FIRST]);
    const snapshots: Uint8Array[] = [];
    for (const variant of ["good2", "good3", "good4"] as const) {
      const target = await shop.target();
      const snapshot = target.snapshot.bind(target);
      const noted = { ...target, snapshot: async (plan: Plan) => (snapshots[snapshots.length] = await snapshot(plan)) };
      const release = await shop.release({ web: variant });
      const result = await deploy({ release, policy: POLICY }, shop.ports(noted));
      expect(result, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    }
    const target = await shop.target();
    const plan = await target.planRestoration(snapshots, POLICY);
    expect(plan).toMatchObject({ labelledDeployment: 3, services: [{ service: "web", action: "update" }] });
    expect(plan.services[0]?.to?.image).toBe(await shop.pin("good1"));
    const context = { deployment: 4, release: "sha256:00", policy: POLICY } as const;
    const [stage] = target.execution(plan, context).stages;
    await stage?.act(AbortSignal.timeout(30_000));
    await waitUntil("the first one runs", async () => (await shop.running()).join() === (await shop.pin("good1")), {
      withinMs: 60_000,
    });
    expect((await target.running())[0]).toMatchObject({ deployment: 4 });
    // Only the first one knows the service: all three together lead to what ran before them.
    const [, , last] = snapshots;
    const back = await target.planRestoration(last === undefined ? [] : [last], POLICY);
    expect(back.services[0]?.to?.image).toBe(await shop.pin("good3"));
  });
});

describe.concurrent("a run on a swarm that was killed", () => {
  it.for([
    ["act", "update", "good2"],
    ["watch", "update", "good2"],
    ["restore act", "restore", "crash"],
    ["restore act", "settle", "crash"],
  ] as const)(
    "before %s of %s is recovered, and its late requests are refused",
    async ([step, stage, variant], { shop }) => {
      const options = ["--replicas", "2", ...START_FIRST, "--update-failure-action", "rollback"];
      await shop.create("good1", options);
      const before = (await shop.inspect()).Spec;
      await dieBefore(shop, step, stage, variant);
      const late = await shop.inspect();
      const ports = shop.ports(await shop.target(), { lifeMs: 2_000 });
      const recovery = await recover({ onAlive: "wait" }, ports);
      expect(recovery, shop.log.text()).toMatchObject({ kind: "recovered", deployments: [1], outcome: "rolled_back" });
      expect((await shop.inspect()).Spec).toEqual(before);
      expect(await shop.running()).toEqual([await shop.pin("good1"), await shop.pin("good1")]);
      const request = shop.docker.services.update(late.ID, late.Version, late.Spec);
      await expect(request).rejects.toSatisfy(isOutOfSequence);
    },
  );

  it("before it could say on the label what the engine has made of its spec is recovered", async ({ shop }) => {
    await shop.create("good1", ["--replicas", "2", ...START_FIRST]);
    const before = (await shop.inspect()).Spec;
    await dieAfterUpdate(shop);
    const ports = shop.ports(await shop.target(), { lifeMs: 2_000 });
    const recovery = await recover({ onAlive: "wait" }, ports);
    expect(recovery, shop.log.text()).toMatchObject({ kind: "recovered", deployments: [1], outcome: "rolled_back" });
    expect((await shop.inspect()).Spec).toEqual(before);
  });

  it("just then, and changed by a person after it, stays as that person made it", async ({ shop }) => {
    await shop.create("good1", ["--replicas", "2", ...START_FIRST]);
    await dieAfterUpdate(shop);
    const change = ["service", "update", "--detach", "--no-resolve-image", "--env-add", "HAND=made", shop.name()];
    await shop.engine.docker(change);
    const ports = shop.ports(await shop.target(), { lifeMs: 2_000 });
    const recovery = await recover({ onAlive: "wait" }, ports);
    expect(recovery, shop.log.text()).toMatchObject({ outcome: "rollback_failed", cause: { cause: "drifted" } });
    expect((await shop.inspect()).Spec.TaskTemplate.ContainerSpec?.Env).toEqual(["HAND=made"]);
  });
});
