import { expect, it } from "vitest";
import { service, spec } from "../testing/tasks.ts";
import type { PlannedService } from "./plan-detail.ts";
import { DEPENDS_ON, inWrittenOrder } from "./written-order.ts";

function planned(name: string, after?: string): PlannedService {
  const Labels = after === undefined ? {} : { [DEPENDS_ON]: after };
  return {
    ...{ service: name, name: `shop_${name}`, action: "update", goal: "run", desired: 1, dependsOn: [], ready: 1 },
    ...{ current: service({ Spec: spec({ Labels }) }), image: "", revision: "r", digests: [] },
  };
}

/** `web < api` for each service, in the order that came out. */
function orderOf(...services: readonly PlannedService[]): string[] {
  return inWrittenOrder(services).services.map((one) => [one.service, ...one.dependsOn].join(" < "));
}

it("is what the services' labels say: by name in belay.yaml or on the engine, also through others", () => {
  expect(orderOf(planned("web", "api, other"), planned("api", "shop_db"), planned("db"), planned("other"))).toEqual([
    "db",
    "api < db",
    "other",
    "web < api < db < other",
  ]);
  expect(orderOf(planned("web"), planned("api"))).toEqual(["web", "api"]);
});

it("tells a name that nobody has, and a circle, and leaves both out", () => {
  const { services, findings } = inWrittenOrder([
    planned("web", "api nobody"),
    planned("api", "web"),
    planned("self", "self"),
  ]);
  expect(services.map((one) => [one.service, ...one.dependsOn])).toEqual([["api"], ["web", "api"], ["self"]]);
  expect(findings).toMatchObject([
    {
      ...{ level: "warn", check: "dependency_unknown", service: "web" },
      message: expect.stringMatching(/^shop_web depends on nobody/),
      remedy: "Name one of api, self.",
    },
    { level: "warn", check: "depends_on_circle", message: expect.stringContaining("api → web, self → self") },
  ]);
});
