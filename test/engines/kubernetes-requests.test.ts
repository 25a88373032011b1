import { requestLoop, waitUntil } from "@belay/testkit";
import { expect } from "vitest";
import { PORT } from "../contract/variants.ts";
import { it, type Shop, workload } from "./kubernetes-space.ts";

/** Long enough for a busy machine's Service to have forgotten a pod that ends. */
const FAREWELL_S = 5;

/** As docs/kubernetes.md says that an application has to be for no request to be lost. */
async function gracefulShop(shop: Shop): Promise<string> {
  const probe = { httpGet: { path: "/healthz", port: PORT }, periodSeconds: 1, timeoutSeconds: 5 };
  const container = {
    name: "web",
    image: await shop.image("good1"),
    ports: [{ containerPort: PORT }],
    readinessProbe: { ...probe, failureThreshold: 30 },
    lifecycle: { preStop: { sleep: { seconds: FAREWELL_S } } },
  };
  const template = {
    metadata: { labels: { app: "web" } },
    spec: { terminationGracePeriodSeconds: FAREWELL_S + 10, containers: [container] },
  };
  const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: PORT }] },
  };
  await shop.apply([workload("Deployment", { replicas: 2, strategy, template }), service]);
  await shop.kubectl("rollout", "status", "deployment/web", "--timeout", "120s");
  return `http://${await shop.read("service/web", "{.spec.clusterIP}")}/`;
}

it("no request is lost while good releases, a bad one, and an earlier one again take over", async ({ shop }) => {
  const url = await gracefulShop(shop);
  const answers = async (): Promise<boolean> => {
    try {
      return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
    } catch {
      return false;
    }
  };
  await waitUntil("the Service answers", answers, { withinMs: 60_000, everyMs: 200 });
  const loop = requestLoop({ url, perSecond: 200, timeoutMs: 20_000 });
  const first = await shop.deploy({ web: "web" }, { web: "good2" });
  const good = await shop.deploy({ web: "web" }, { web: "good3" });
  const bad = await shop.deploy({ web: "web" }, { web: "exits" });
  const back = await shop.rollback({ web: "web" }, "previous");
  const { sent } = loop.counts();
  await waitUntil("two more seconds of requests", () => loop.counts().sent > sent + 400, { withinMs: 60_000 });
  const { lost, lostBecause, lostAtMs, ok, byVersion } = await loop.stop();
  expect(first, shop.log.text()).toMatchObject({ outcome: "succeeded" });
  expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded" });
  expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back" });
  expect(back, shop.log.text()).toMatchObject({ outcome: "succeeded" });
  expect({ lost, lostBecause, lostAtMs }).toEqual({ lost: 0, lostBecause: {}, lostAtMs: [] });
  expect(ok).toBeGreaterThan(400);
  expect(Object.keys(byVersion).sort()).toEqual(["good1", "good2", "good3"]);
});
