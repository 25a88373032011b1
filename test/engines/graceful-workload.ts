import type { Space } from "../contract/kubernetes-stand.ts";
import { PORT } from "../contract/variants.ts";

/** Long enough for a busy machine's Service to have forgotten a pod that ends. */
const FAREWELL_S = 8;

/**
 * A Deployment `web` with three pods, as docs/kubernetes.md says that an application has to be for no request to be lost, behind
 * a Service. Where that answers.
 */
export async function gracefulWorkload(space: Space, image: string): Promise<string> {
  const probe = { httpGet: { path: "/healthz", port: PORT }, periodSeconds: 1, timeoutSeconds: 5 };
  const container = {
    name: "web",
    image,
    ports: [{ containerPort: PORT }],
    // Of a release that never gets ready this is what tells.
    startupProbe: { ...probe, failureThreshold: 15 },
    readinessProbe: { ...probe, failureThreshold: 30 },
    lifecycle: { preStop: { sleep: { seconds: FAREWELL_S } } },
  };
  const labels = { app: "web" };
  const template = {
    metadata: { labels },
    spec: { terminationGracePeriodSeconds: FAREWELL_S + 10, containers: [container] },
  };
  const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  const spec = { replicas: 3, selector: { matchLabels: labels }, strategy, template };
  const deployment = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: labels, ports: [{ port: 80, targetPort: PORT }] },
  };
  await space.apply([deployment, service]);
  await space.kubectl("rollout", "status", "deployment/web", "--timeout", "120s");
  return `http://${await space.kubectl("get", "service/web", "--output", "jsonpath={.spec.clusterIP}")}/`;
}
