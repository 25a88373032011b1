import { beforeEach, expect, it } from "vitest";
import { history } from "../ledger/history.ts";
import { type SimRunner, SimWorld } from "../testing/sim-world.ts";

const TOLD = { level: "warn", check: "no_replicas", service: "web" };

let world: SimWorld;
let runner: SimRunner;

beforeEach(() => {
  world = new SimWorld();
  runner = idle(world.runner("first"));
});

/** No node fits what runs once on each: the target counts that only once the release is in place. */
function idle(one: SimRunner): SimRunner {
  const { target } = one;
  const observe = target.observe.bind(target);
  target.observe = async (...asked) => {
    const seen = await observe(...asked);
    const services = seen.services.map((service) =>
      service.name === "web" ? { ...service, desired: 0, instances: [] } : service,
    );
    return { ...seen, services };
  };
  const execution = target.execution.bind(target);
  target.execution = (...asked) => {
    const way = execution(...asked);
    return {
      ...way,
      wanted: way.wanted.map((service) => (service.service === "web" ? { ...service, desired: 0 } : service)),
    };
  };
  const running = target.running.bind(target);
  target.running = async () =>
    (await running()).map((service) => (service.service === "web" ? { ...service, ready: 0, desired: 0 } : service));
  return one;
}

it("a release of which the target wants no instance has come as it was asked for, and is said not to run", async () => {
  const result = await runner.deploy("v1");
  expect(result).toMatchObject({ outcome: "succeeded", report: { findings: [TOLD] } });
  expect(result.report.findings[0]?.message).toContain("wants no instance of web");
  const [entry] = await world.time.run(history(runner.target.store), 3_600_000);
  expect(entry?.end).toMatchObject({ outcome: "succeeded", findings: [TOLD] });
});

it("so is one that is there already", async () => {
  await runner.deploy("v1");
  const result = await idle(world.runner("second")).deploy("v1");
  expect(result).toMatchObject({ outcome: "unchanged", report: { findings: [TOLD] } });
});

it.each(["no_replicas", "not_watched"])("what the plan has told of is not told twice: %s", async (check) => {
  const told = { level: "warn", check, service: "web", message: "it is scaled to 0" } as const;
  runner.target.findings = [told];
  expect(await runner.deploy("v1")).toMatchObject({ outcome: "succeeded", report: { findings: [told] } });
});

it("what runs is not told of", async () => {
  expect((await world.runner("other").deploy("v1")).report.findings).toEqual([]);
});
