import { waitUntil } from "@belay/testkit";
import { describe, expect } from "vitest";
import { runAdvice } from "./run-advice.ts";
import { it } from "./swarm-services.ts";

describe.concurrent("services of a swarm that a person has at hand", () => {
  it("are looked into further by the commands that the report gives, as they are", async ({ shop }) => {
    for (const service of ["web", "api"]) await shop.create("good1", [], service);
    const { report } = await shop.deploy({ web: "good2", api: "good1" });
    const wrote = await runAdvice(report.advice, shop.engine.env);
    for (const service of ["web", "api"]) {
      expect(wrote.get(`Read the logs of ${shop.name(service)}`), service).toContain("listening");
      expect(wrote.get("List the services that Belay deploys here")).toContain(shop.name(service));
    }
  });

  it("take releases for which nothing counts that the engine has rolled back before", async ({ shop }) => {
    const back = ["--update-failure-action", "rollback", "--update-monitor", "5s"];
    await shop.create("good1", ["--replicas", "2", "--update-order", "start-first", ...back]);
    const bad = ["--detach", "--no-resolve-image", "--image", await shop.pin("crash")];
    await shop.engine.docker(["service", "update", ...bad, shop.name()]);
    const isBack = async () => (await shop.inspect()).UpdateStatus?.State === "rollback_completed";
    await waitUntil("the engine has rolled back", isBack, { withinMs: 90_000 });
    const told = [];
    // The first one writes what is in force already, and the engine's words are still there: only its labels are new.
    for (const variant of ["good1", "good2"] as const) {
      const result = await shop.deploy({ web: variant });
      expect(result, shop.log.text()).toMatchObject({ outcome: "succeeded", report: { running: [{ ready: 2 }] } });
      expect(await shop.running()).toEqual([await shop.pin(variant), await shop.pin(variant)]);
      told.push(result);
    }
    expect(JSON.stringify(told)).not.toMatch(/roll(ed|ing)?[ _]?back/i);
  });
});
