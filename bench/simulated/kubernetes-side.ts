import { connectKubernetes, createKubernetesTarget } from "@belay/kubernetes";
import { revisionOf, type Workload } from "../../packages/kubernetes/src/workload.ts";
import type { Side, SideOptions } from "./look-worker.ts";

export async function openSide(address: string, count: number, { clock, log, redactor }: SideOptions): Promise<Side> {
  // The client takes plain HTTP only where it is told not to insist on TLS.
  const kubeconfigText = JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "simulated", cluster: { server: address, "insecure-skip-tls-verify": true } }],
    users: [{ name: "bench", user: {} }],
    contexts: [{ name: "simulated", context: { cluster: "simulated", user: "bench", namespace: "fleet" } }],
    "current-context": "simulated",
  });
  const api = await connectKubernetes({ kubeconfigText, env: {}, clock, redactor, log });
  const names = Array.from({ length: count }, (_, index) => `service-${index}`);
  const target = await createKubernetesTarget({
    api,
    scope: { target: "kubernetes", project: "fleet", application: "fleet", environment: "bench" },
    services: Object.fromEntries(names.map((name) => [name, {}])),
    clock,
    log,
    redactor,
  });
  const { items } = await api.list("apps/v1", "Deployment");
  const wanted = items.map((one) => ({
    service: one.metadata.name,
    goal: "run" as const,
    desired: 10,
    revision: revisionOf((one as Workload).spec.template as never),
    digests: [],
  }));
  return { target, wanted, close: () => api.close() };
}
