import { BelayError, Redactor } from "@belay/core";
import { beforeEach, expect, it } from "vitest";
import { recordName } from "../ledger/record-names.ts";
import { SimWorld } from "../testing/sim-world.ts";

const SECRET = "hunter2-and-more";

let world: SimWorld;
let redactor: Redactor;

beforeEach(async () => {
  world = new SimWorld();
  redactor = new Redactor();
  redactor.add(SECRET);
  await world.deployed("v1");
});

function record(name: string): string {
  return Buffer.from(world.engine.records.get(name) ?? "").toString("utf8");
}

/** What an engine says when it refuses a change: it may show what it was sent. */
const REFUSAL = new BelayError("ENGINE_ERROR", { doing: "creating web", got: `PASSWORD=${SECRET} is not allowed` });

it("the ledger never gets a secret that the engine has said", async () => {
  const runner = world.runner("second", { redactor });
  const { execution } = runner.target;
  runner.target.execution = (plan, context) => {
    const way = execution.call(runner.target, plan, context);
    const act = async (): Promise<void> => Promise.reject(REFUSAL);
    return { ...way, stages: way.stages.map((stage) => ({ ...stage, act })) };
  };
  expect(await runner.deploy("v2")).toMatchObject({ outcome: "rolled_back", cause: { cause: "start_failed" } });
  expect(record(recordName.end(2))).toContain("PASSWORD=*** is not allowed");
  expect([...world.engine.records.keys()].map(record).join("\n")).not.toContain(SECRET);
});

it("nor does the report, where a target has left it in the evidence", async () => {
  redactor.add("DATABASE_URL");
  world.engine.behaviours.set("web-v2", { kind: "crash", afterMs: 700 });
  const { report } = await world.runner("second", { redactor }).deploy("v2");
  expect(report.evidence[0]?.logLines).toContain("Error: *** is missing");
  expect(JSON.stringify(report)).not.toContain("DATABASE_URL");
});

it("nor one that a way back by another run was told of", async () => {
  const victim = world.runner("victim", { onStep: (step) => void (step === "watch" && victim.kill()) });
  await world.time.run(victim.start("v2"), 3_600_000);
  const rescue = world.runner("rescue", { redactor });
  rescue.target.restoration = () => Promise.reject(REFUSAL);
  expect(await rescue.recover()).toMatchObject({ outcome: "rollback_failed" });
  for (const number of [2, 3]) expect(record(recordName.end(number))).toContain("PASSWORD=*** is not allowed");
  expect([...world.engine.records.keys()].map(record).join("\n")).not.toContain(SECRET);
});

it("nor one that somebody wrote into his reason for a rollback", async () => {
  await world.deployed("v2");
  const result = await world.runner("back", { redactor }).rollback("1", { reason: `leaked ${SECRET}` });
  expect(result.outcome).toBe("succeeded");
  expect(record(recordName.begin(3))).toContain('"reason":"leaked ***"');
});
