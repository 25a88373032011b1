import {
  createRunner,
  DEFAULT_ROLLOUT,
  type Log,
  Redactor,
  type Release,
  type RolloutPolicy,
  systemClock,
  type Target,
} from "@belay/core";
import { createKubernetesTarget, createManifests } from "@belay/kubernetes";
import { type DeploymentResult, deploy, type RolloutPorts, rollback } from "@belay/rollout";
import { createTestLog } from "@belay/testkit";
import type { ImageCatalogue } from "../contract/images.ts";
import { MEMORY_LIMIT, PORT, type VariantName } from "../contract/variants.ts";
import type { ManifestStand } from "./manifest-stand.ts";

/** Everything is patient, because a busy machine is slow; only failures are meant to be quick. */
export const POLICY: RolloutPolicy = {
  ...DEFAULT_ROLLOUT,
  stableMs: 1_000,
  startMs: 90_000,
  deadlineMs: 150_000,
  crashes: 1,
};

/** The target of a stand's manifests, as the pipeline opens it. */
export function openTarget(stand: ManifestStand, log: Log): Promise<Target> {
  const { api, scope, folder } = stand;
  const redactor = new Redactor();
  return createKubernetesTarget({
    ...{ api, scope, log, redactor, services: {} },
    clock: systemClock,
    manifests: createManifests({
      ...{ api, scope, services: {}, variables: {}, secrets: {} },
      runner: createRunner(redactor),
      redactor,
      files: [folder],
      directory: folder,
    }),
  });
}

type Told = DeploymentResult & { readonly log: string };

/** The whole way of a release, as the pipeline goes it: plan, ledger, judge, way back. */
export function roll(
  stand: ManifestStand,
  release: Release,
  more: Partial<RolloutPolicy> = {},
  ports: Partial<RolloutPorts> = {},
): Promise<Told> {
  return carriedOut(stand, (own) => deploy({ release, policy: { ...POLICY, ...more } }, { ...own, ...ports }));
}

/** As `belay rollback` does it. */
export function goBack(stand: ManifestStand, to: string): Promise<Told> {
  return carriedOut(stand, (own) => rollback({ to, policy: POLICY, reason: "it was better" }, own));
}

async function carriedOut(
  stand: ManifestStand,
  work: (ports: RolloutPorts) => Promise<DeploymentResult>,
): Promise<Told> {
  const log = createTestLog();
  const target = await openTarget(stand, log);
  try {
    const own = {
      target,
      clock: systemClock,
      log,
      holder: { run: `test-${Math.random()}`, attempt: 1, host: "test" },
      signal: stand.signal,
      redactor: new Redactor(),
      random: Math.random,
      lifeMs: 6_000,
    };
    return { ...(await work(own)), log: log.text() };
  } finally {
    await target.close();
  }
}

export async function releaseOf(
  images: ImageCatalogue,
  services: Readonly<Record<string, VariantName>>,
): Promise<Release> {
  const entries = Object.entries(services).map(
    async ([name, variant]) => [name, await images.identity(variant)] as const,
  );
  return {
    schema: "belay.release/v1",
    stage: "push",
    application: "shop",
    source: { repository: "https://github.com/acme/shop", revision: "0".repeat(40) },
    services: Object.fromEntries(await Promise.all(entries)),
    evidence: {},
    createdAt: new Date().toISOString(),
  };
}

/** A Deployment of the contract suite's image; its name stands for the image, which the release gives. */
export function deploymentOf(
  name: string,
  more: { readonly container?: string; readonly replicas?: number } = {},
): string {
  return `---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, labels: { app: ${name} } }
spec:
  replicas: ${more.replicas ?? 2}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      terminationGracePeriodSeconds: 2
      containers:
        - name: ${name}
          image: ${name}
          ports: [{ name: http, containerPort: ${PORT} }]
          resources: { limits: { memory: "${MEMORY_LIMIT}" } }
          startupProbe: { httpGet: { path: /healthz, port: http }, periodSeconds: 1, failureThreshold: 60, timeoutSeconds: 5 }
          readinessProbe: { httpGet: { path: /healthz, port: http }, periodSeconds: 2, failureThreshold: 3, timeoutSeconds: 5 }
${more.container ?? ""}
`;
}

export function configOf(name: string, level: string): string {
  return `---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { LEVEL: "${level}" }\n`;
}

export function serviceOf(name: string): string {
  return `---\napiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { selector: { app: ${name} }, ports: [{ port: 80, targetPort: http }] }\n`;
}

export function secretOf(name: string, value: string): string {
  const data = { value: Buffer.from(value).toString("base64") };
  return `---\n${JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name }, data })}\n`;
}
