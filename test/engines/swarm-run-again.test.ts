import { afterAll, beforeAll, expect, it } from "vitest";
import type { EngineStand } from "../contract/stand.ts";
import { openSwarmStand } from "../contract/swarm-stand.ts";
import { Trial } from "../contract/trial.ts";

let stand: EngineStand;

beforeAll(async () => {
  stand = await openSwarmStand();
}, 600_000);

afterAll(() => stand?.stop());

/*
 * A manager of a current engine gives the network of a new stack the addresses of one that was just removed, and its node
 * refuses the first task while it still has that. Tasks that may be started again are, by the engine; this one is not.
 */
it("runs what runs once of a stack that comes right after another one went", async () => {
  const gone = await stand.application(`belay-ra-${process.pid}-1`);
  await gone.define({ web: { replicas: 2 } });
  await gone.hand.up({ web: "unchecked1" });
  const trial = new Trial(await stand.application(`belay-ra-${process.pid}-2`));
  await trial.app.define({ migrate: { goal: "complete" }, web: { replicas: 1, dependsOn: ["migrate"] } });
  await trial.app.release({ migrate: "job-done1", web: "unchecked2" });
  await gone.remove();
  const result = await trial.deploy({ migrate: "job-done1", web: "unchecked2" });
  expect(result, trial.why(result)).toMatchObject({ outcome: "succeeded" });
  await trial.expectRunning({ migrate: ["job-done1", 1], web: ["unchecked2", 1] });
});
