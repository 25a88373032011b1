import type { ServiceDefinition } from "./stand.ts";
import { type Health, PORT, type VariantName, variantOf } from "./variants.ts";

/** The objects of one service as its owner would write them: a Deployment, or a Job for what runs to its end. */
export function objectsOf(
  name: string,
  definition: ServiceDefinition,
  variant: VariantName,
  image: string,
): readonly object[] {
  const { replicas, goal, config, dependsOn = [] } = definition;
  const labels = { "app.kubernetes.io/name": name };
  const template = { metadata: { labels }, spec: podOf(name, definition, variant, image) };
  const annotations = dependsOn.length === 0 ? {} : { annotations: { "belay.dev/depends-on": dependsOn.join(", ") } };
  const metadata = { name, labels, ...annotations };
  const workload =
    goal === "complete"
      ? { apiVersion: "batch/v1", kind: "Job", metadata, spec: { backoffLimit: 0, template } }
      : {
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata,
          spec: {
            ...(replicas === undefined ? {} : { replicas }),
            selector: { matchLabels: labels },
            strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
            template,
          },
        };
  const file = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: `${name}-config` },
    data: { greeting: "hello" },
  };
  return config === true ? [file, workload] : [workload];
}

function podOf(name: string, definition: ServiceDefinition, variant: VariantName, image: string): object {
  const { env = {}, memory, goal, config, nowhere, graceS = 1 } = definition;
  const { health } = variantOf(variant);
  const container = {
    name,
    image,
    env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
    ...(goal === "complete" ? {} : { ports: [{ containerPort: PORT }] }),
    resources: {
      ...(memory === undefined ? {} : { limits: { memory: String(memory) } }),
      // More than any node has.
      ...(nowhere === true ? { requests: { cpu: "10000" } } : {}),
    },
    ...(health === undefined || goal === "complete" ? {} : probesOf(health)),
    ...(config === true ? { volumeMounts: [{ name: "config", mountPath: "/etc/shop" }] } : {}),
  };
  return {
    terminationGracePeriodSeconds: graceS,
    ...(goal === "complete" ? { restartPolicy: "Never" } : {}),
    containers: [container],
    ...(config === true ? { volumes: [{ name: "config", configMap: { name: `${name}-config` } }] } : {}),
  };
}

/** A start period is a startup probe's patience. Kubernetes has whole seconds. */
function probesOf({ path, intervalMs, timeoutMs, retries, startMs }: Health): object {
  const periodSeconds = Math.max(1, Math.round(intervalMs / 1_000));
  const ask = { httpGet: { path, port: PORT }, periodSeconds, timeoutSeconds: Math.ceil(timeoutMs / 1_000) };
  const patience = Math.max(retries, Math.ceil(startMs / 1_000 / periodSeconds));
  return {
    startupProbe: { ...ask, failureThreshold: patience },
    readinessProbe: { ...ask, failureThreshold: retries },
    livenessProbe: { ...ask, failureThreshold: retries + 1 },
  };
}
