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
});
