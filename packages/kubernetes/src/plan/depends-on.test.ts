import { describe, expect, it } from "vitest";
import type { DesiredObject } from "../desired.ts";
import { COPY_OF, DEPENDS_ON } from "../marks.ts";
import type { PlannedObject } from "../plan-detail.ts";
import { inWrittenOrder } from "./depends-on.ts";

interface Parts {
  readonly after?: string;
  readonly implied?: readonly string[];
  readonly service?: string;
  readonly copyOf?: string;
  readonly verb?: DesiredObject["verb"];
}

function planned(
  title: string,
  { after, implied = [], service = title, copyOf, verb = "apply" }: Parts = {},
): PlannedObject {
  const [kind = "", name = ""] = title.split("/");
  const annotations = { ...(after && { [DEPENDS_ON]: after }), ...(copyOf && { [COPY_OF]: copyOf }) };
  const object = { apiVersion: "apps/v1", kind, metadata: { name, annotations } };
  const desired = { apiVersion: "apps/v1", kind, name, verb, dependsOn: implied, ...(service && { service }) };
  return {
    desired: verb === "apply" ? { ...desired, body: object } : desired,
    live: verb === "apply" ? undefined : object,
    preview: { object, action: "update", differences: [], findings: [] },
  };
}

/** `web < api` for each workload, in the order that came out. */
function orderOf(objects: readonly PlannedObject[]): string[] {
  return inWrittenOrder(objects).objects.map(({ desired: { kind, name, service, dependsOn } }) =>
    [service ?? `${kind}/${name}`, ...dependsOn].join(" < "),
  );
}

describe("the order of workloads", () => {
  it("is what their owner wrote: by service, by kind and name, by name alone", () => {
    const db = planned("StatefulSet/postgres", { service: "db" });
    expect(
      orderOf([
        planned("ConfigMap/c", { service: "" }),
        planned("Deployment/web", { after: "deployment/api, db" }),
        planned("Deployment/api", { after: "postgres" }),
        db,
        planned("Service/web", { service: "" }),
      ]),
    ).toEqual(["ConfigMap/c", "db", "Deployment/api < db", "Deployment/web < Deployment/api < db", "Service/web"]);
  });

  it("has Jobs first, except before what they depend on themselves", () => {
    const migrate = planned("Job/migrate-1f", { service: "job/migrate", copyOf: "migrate", after: "db" });
    const implied = ["job/migrate"];
    expect(
      orderOf([
        migrate,
        planned("Deployment/web", { implied }),
        planned("StatefulSet/db", { implied, after: "cache" }),
        planned("Deployment/cache", { implied }),
      ]),
    ).toEqual([
      "Deployment/cache",
      "StatefulSet/db < Deployment/cache",
      "job/migrate < StatefulSet/db",
      "Deployment/web < job/migrate",
    ]);
  });

  it("is read from the objects that are there, where no manifest says it", () => {
    const web = planned("Deployment/web", { service: "web", verb: "patch-image", after: "api" });
    expect(orderOf([web, planned("Deployment/api", { service: "api", verb: "patch-image" })])).toEqual([
      "api",
      "web < api",
    ]);
  });

  it("refuses a cycle, and a name that nobody has; of workloads that exist that one may be somebody else's", () => {
    const found = (objects: readonly PlannedObject[]) =>
      inWrittenOrder(objects).findings.map(({ level, check, message }) => `${level} ${check}: ${message}`);
    expect(
      found([planned("Deployment/a", { after: "Deployment/b" }), planned("Deployment/b", { after: "Deployment/a" })]),
    ).toEqual([expect.stringMatching(/^refuse dependency_cycle: deployment\/b depends on Deployment\/a/)]);
    expect(found([planned("Deployment/a", { after: "nobody" })])).toEqual([
      expect.stringMatching(/^refuse dependency_unknown: deployment\/a depends on nobody/),
    ]);
    expect(found([planned("Deployment/a", { after: "nobody", verb: "patch-image" })])).toEqual([
      expect.stringMatching(/^warn dependency_unknown/),
    ]);
  });
});
