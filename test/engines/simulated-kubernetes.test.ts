/** The objects of the benches' simulated API server are held against the description that a real API server gives of itself. */
import { SimulatedFleet, SimulatedKubernetes, useKubernetes } from "@belay/testkit";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, it } from "vitest";

type Json = Record<string, unknown>;

const KINDS: readonly [path: string, description: string, schema: string][] = [
  ["apis/apps/v1/namespaces/fleet/deployments", "apis/apps/v1", "io.k8s.api.apps.v1.DeploymentList"],
  ["apis/apps/v1/namespaces/fleet/replicasets", "apis/apps/v1", "io.k8s.api.apps.v1.ReplicaSetList"],
  ["api/v1/namespaces/fleet/pods", "api/v1", "io.k8s.api.core.v1.PodList"],
  ["api/v1/namespaces/fleet/events", "api/v1", "io.k8s.api.core.v1.EventList"],
];

let server: SimulatedKubernetes;
let address: string;
beforeAll(async () => {
  server = new SimulatedKubernetes(new SimulatedFleet({ services: 3, instancesPerService: 2 }));
  address = `http://127.0.0.1:${await server.listen()}`;
  server.step("roll");
});
afterAll(() => server.stop());

/** A schema in which a property that nobody described is a mistake. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const inner = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, closed(one)]));
  return "properties" in value && !("additionalProperties" in value)
    ? { ...inner, additionalProperties: false }
    : inner;
}

it.each(KINDS)("%s is as described", async (path, description, schema) => {
  const cluster = await useKubernetes();
  try {
    const { stdout } = await cluster.kubectl(["get", "--raw", `/openapi/v3/${description}`]);
    const { components } = JSON.parse(stdout) as Json;
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    const { schemas } = closed(components) as { readonly schemas: Json };
    // A time that is not set is shown as null, which the description does not say.
    const times = { "io.k8s.apimachinery.pkg.apis.meta.v1.Time": { type: ["string", "null"] } };
    ajv.addSchema({ $id: "cluster", components: { schemas: { ...schemas, ...times } } });
    const validate = ajv.getSchema(`cluster#/components/schemas/${schema}`);
    const list = (await (await fetch(`${address}/${path}?limit=2`)).json()) as { readonly items: readonly Json[] };
    expect(validate?.(list), JSON.stringify(validate?.errors, null, 2)).toBe(true);
    expect(list.items).toHaveLength(path.endsWith("events") ? 0 : 2);
    // The check itself finds what no API server would show.
    expect(validate?.({ ...list, metadata: { resourceVersion: 7 } })).toBe(false);
    expect(validate?.({ ...list, metadata: { resourceVersions: "7" } })).toBe(false);
  } finally {
    await cluster.stop();
  }
});
