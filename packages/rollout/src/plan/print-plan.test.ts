import type { Plan } from "@belay/core";
import { sha256 } from "@belay/core";
import { describe, expect, it } from "vitest";
import { likelyCause } from "../evidence/likely-cause.ts";
import { container, instance } from "../testing/observations.ts";
import { describeInstance } from "../way/progress.ts";
import { planJson, printPlan } from "./print-plan.ts";

const facts = (name: string) => ({
  revision: name,
  image: `registry/web@${name}`,
  digests: [sha256(name)],
  instances: 2,
});
const change = { name: "web", goal: "run", desired: 2, dependsOn: [], differences: [] } as const;

const PLAN: Plan = {
  scope: { target: "compose", project: "shop", application: "shop", environment: "staging" },
  services: [
    {
      ...change,
      service: "web",
      action: "update",
      from: facts("r1"),
      to: facts("r2"),
      differences: ["image", "environment: \u001b[31mTAG"],
      dependsOn: ["db"],
    },
    { ...change, service: "db", action: "unchanged", from: facts("r1"), to: facts("r1") },
    { ...change, service: "seed", action: "create", goal: "complete", to: facts("r2") },
  ],
  findings: [{ level: "cannot tell", check: "registry", service: "web", message: "no answer", remedy: "log in" }],
  notCovered: ["the volume shop_data"],
  labelledDeployment: 0,
  detail: { secret: "only the target's" },
};

describe("a plan", () => {
  it("is printed for a terminal, without what outside text may do to it", () => {
    expect(printPlan(PLAN)).toBe(
      [
        "shop on staging (compose, shop)",
        "  ~ web: update, 2 running",
        "      now  registry/web@r1 (revision r1)",
        "      then registry/web@r2 (revision r2)",
        "      image",
        "      environment: TAG",
        "      after db",
        "      if it fails: comes back as revision r1, in the whole",
        "  = db: unchanged, 2 running",
        "      now  registry/web@r1 (revision r1)",
        "  + seed: create, runs once",
        "      then registry/web@r2 (revision r2)",
        "      if it fails: is removed again, its volumes stay",
        "",
        "Checked before the first change:",
        "  cannot tell web: no answer",
        "      log in",
        "",
        "All of them go back together when one fails.",
        "",
        "Not covered by the way back:",
        "  the volume shop_data",
      ].join("\n"),
    );
  });

  it("has what else changes, which goes back with the services", () => {
    const others = ["update service/web: spec.ports[80].targetPort", "remove ingress/\u001b[31mweb"];
    const text = printPlan({ ...PLAN, services: PLAN.services.slice(1, 2), others, findings: [] });
    expect(text).toContain("\n\nBesides:\n  update service/web: spec.ports[80].targetPort\n  remove ingress/web\n\n");
    expect(text).toContain("All of them go back together when one fails.");
    expect(planJson({ ...PLAN, others })).toMatchObject({ others });
  });

  it("tells what a removal takes away, and what it costs to undo what can't overlap", () => {
    const removed = { ...change, service: "old", action: "remove", desired: 0, from: facts("r1") } as const;
    const recreated = { ...change, service: "db", action: "recreate", from: facts("r1"), to: facts("r2") } as const;
    const text = printPlan({ ...PLAN, services: [removed, recreated], findings: [] });
    expect(text).toContain("  - old: remove, 2 running now\n");
    expect(text).toContain("if it fails: comes back as revision r1, in the whole, with 2 running");
    expect(text).toContain("nothing serves until it is up again");
  });

  it("promises no way back where the policy keeps what failed", () => {
    const kept = { ...PLAN, keepsFailed: true };
    expect(printPlan(kept)).toContain("      if it fails: is left as it is then, as the policy says\n");
    expect(printPlan(kept)).not.toMatch(/comes back|removed again|go back together/);
    expect(planJson(kept).services.map((one) => one.undo === null)).toEqual([false, true, false]);
  });

  it("is JSON without what only the target understands", () => {
    expect(planJson(PLAN)).not.toHaveProperty("detail");
    expect(planJson(PLAN).services).toMatchObject(PLAN.services);
    expect(planJson(PLAN).services.map((one) => one.undo)).toEqual([
      "comes back as revision r1, in the whole",
      null,
      "is removed again, its volumes stay",
    ]);
  });
});

describe("what a person is told of an instance", () => {
  it.each([
    ["running, healthy", container({ health: "healthy" })],
    ["running (1 restart)", container({ restarts: 1 })],
    [
      "restarting (exit code 1, 2 restarts)",
      container({ state: "restarting", restarts: 2, lastExit: { code: 1, oomKilled: false } }),
    ],
    ["waiting (ImagePullBackOff)", container({ state: "waiting", reason: "ImagePullBackOff" })],
  ])("%s", (text, one) => {
    expect(describeInstance(instance("1", { containers: [one] }))).toBe(text);
  });

  it("says when there is no container", () => {
    expect(describeInstance(instance("1", { containers: [] }))).toBe("no container yet");
  });
});

describe("the likely cause", () => {
  const evidence = {
    service: "web",
    instance: "web-1",
    logLines: ["up", "Error: no DATABASE_URL", "bye"],
    events: [],
    unknown: [],
  };
  const cause = { cause: "crash_loop", service: "web", instance: "web-1" } as const;

  it.each([
    ["its log's telling line", "the log of web-1 says: Error: no DATABASE_URL", evidence],
    ["its log's last line", "the log of web-1 says: bye", { ...evidence, logLines: ["up", "bye"] }],
    ["its log, when it ended, whatever the health check said", "says: Error", { ...evidence, healthOutput: "503\n" }],
    ["its memory", "web-1 needs more memory", { ...evidence, oomKilled: true }],
  ])("is told by %s", (_, text, one) => {
    expect(likelyCause(cause, [{ ...evidence, instance: "web-9", logLines: ["other"] }, one])).toContain(text);
  });

  it("is told by the health check when the process went on", () => {
    const unhealthy = { ...cause, cause: "unhealthy" } as const;
    expect(likelyCause(unhealthy, [{ ...evidence, healthOutput: "503\n" }])).toBe(
      "the health check of web-1 said: 503",
    );
  });

  it.each([
    ["the start-up probe when the log does not complain", ["up", "listening"], "the health check of web-1 said: 503"],
    ["the log when it does", evidence.logLines, "the log of web-1 says: Error: no DATABASE_URL"],
  ])("is told by %s", (_, logLines, text) => {
    const killed = { ...cause, cause: "startup_killed" } as const;
    expect(likelyCause(killed, [{ ...evidence, logLines, healthOutput: "503\n" }])).toBe(text);
  });

  it("is not taken from another service's evidence, unless the cause names none", () => {
    const other = { ...evidence, service: "api", instance: "api-1" };
    expect(likelyCause({ cause: "crash_loop", service: "web" }, [other])).toBeUndefined();
    expect(likelyCause({ cause: "crash_loop", service: "web" }, [other, evidence])).toContain("the log of web-1");
    expect(likelyCause({ cause: "timed_out" }, [other])).toContain("the log of api-1");
  });

  it("is left out when there is no evidence, since the cause is told anyway", () => {
    expect(likelyCause(cause, [])).toBeUndefined();
  });
});
