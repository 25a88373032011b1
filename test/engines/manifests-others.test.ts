import { describe, expect, it } from "vitest";
import type { ImageCatalogue } from "../contract/images.ts";
import { deploymentOf, goBack, releaseOf, roll } from "./manifest-shop.ts";
import type { ManifestStand } from "./manifest-stand.ts";
import { useManifestStands } from "./use-manifest-stands.ts";

/* Objects without pods belong to a release as much as its workloads: looked at with the plain kubectl. */

let images: ImageCatalogue;
let stand: ManifestStand;
useManifestStands((opened, catalogue) => {
  stand = opened;
  images = catalogue;
});

const service = (targetPort: number): string =>
  `---\napiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { selector: { app: web }, ports: [{ port: 80, targetPort: ${targetPort} }] }\n`;

const INGRESS = `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web }
spec: { rules: [{ host: shop.example, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] } }] }
`;

/** What the API server completes in ways of its own. */
const USUAL = `---
apiVersion: v1
kind: ServiceAccount
metadata: { name: web }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: web }
rules: [{ apiGroups: [""], resources: [configmaps], verbs: [get] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: web }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: web }
subjects: [{ kind: ServiceAccount, name: web }]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web }
spec: { podSelector: { matchLabels: { app: web } }, ingress: [{ ports: [{ port: 80 }] }] }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec: { maxUnavailable: 50%, selector: { matchLabels: { app: web } } }
---
apiVersion: v1
kind: Secret
metadata: { name: web, annotations: { belay.dev/versioned: "false" } }
stringData: { KEY: "a value" }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: web }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1024Ki } } }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }
  minReplicas: 1
  maxReplicas: 3
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: AverageValue, averageValue: 1000m } } }]
`;

const port = (): Promise<string> => stand.kubectl("get", "service/web", "-o", "jsonpath={.spec.ports[0].targetPort}");
const ingresses = async (): Promise<string> => (await stand.kubectl("get", "ingress", "-o", "name")).trim();
/** Those that are to stay: the pod of a release that was taken back may still be on its way out. */
const STAYING = "{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{end}}{{end}}";
const pods = async (): Promise<readonly string[]> =>
  (await stand.kubectl("get", "pods", "-l", "app=web", "-o", `go-template=${STAYING}`)).trim().split(" ").sort();

describe("objects without pods", { timeout: 400_000 }, () => {
  it("are changed and removed without a pod being touched, and come back with either way back", async () => {
    const web = deploymentOf("web").replace("  replicas: 2\n", "") + USUAL;
    const good = await releaseOf(images, { web: "good1" });
    await stand.write({ "web.yaml": web + service(8080), "ingress.yaml": INGRESS });
    const first = await roll(stand, good);
    expect(first, first.log).toMatchObject({ outcome: "succeeded", report: { deployment: 1 } });
    const same = await roll(stand, good);
    expect(same, same.log).toMatchObject({ outcome: "unchanged" });
    expect(same.report.others).toEqual([]);

    const before = await pods();
    await stand.write({ "web.yaml": web + service(9090), "ingress.yaml": "# gone\n" });
    const moved = await roll(stand, good);
    expect(moved, moved.log).toMatchObject({ outcome: "succeeded", report: { deployment: 2 } });
    expect(moved.report.others).toEqual(["update service/web: spec.ports[80].targetPort", "remove ingress/web"]);
    expect([await port(), await ingresses(), await pods()]).toEqual(["9090", "", before]);
    expect(await roll(stand, good)).toMatchObject({ outcome: "unchanged" });

    await stand.write({ "web.yaml": web + service(7070), "ingress.yaml": INGRESS });
    const bad = await roll(stand, await releaseOf(images, { web: "crash" }));
    expect(bad, bad.log).toMatchObject({ outcome: "rolled_back", cause: { cause: "crash_loop" } });
    expect([await port(), await ingresses()]).toEqual(["9090", ""]);

    const back = await goBack(stand, "1");
    expect(back, back.log).toMatchObject({ outcome: "succeeded", report: { rollback: { to: 1 } } });
    expect(back.report.changes).toMatchObject([{ service: "web", action: "unchanged" }]);
    expect([await port(), await ingresses(), await pods()]).toEqual(["8080", "ingress.networking.k8s.io/web", before]);
    await stand.write({ "web.yaml": web + service(8080) });
    expect(await roll(stand, good)).toMatchObject({ outcome: "unchanged" });
  });
});

/** Whose container is started again in its pod, which remembers. */
const job = (script: string, backoffLimit: number): string => `---
apiVersion: batch/v1
kind: Job
metadata: { name: migrate }
spec:
  backoffLimit: ${backoffLimit}
  template:
    spec:
      restartPolicy: OnFailure
      volumes: [{ name: memory, emptyDir: {} }]
      containers:
        - name: migrate
          image: migrate
          command: [sh, -c, '${script}']
          volumeMounts: [{ name: memory, mountPath: /memory }]
`;

describe("a Job that starts its container again", { timeout: 400_000 }, () => {
  it("has as many tries as it says, and fails for good only after them", async () => {
    await stand.write({
      "web.yaml": deploymentOf("web"),
      "job.yaml": job("mkdir /memory/tried && exit 1 || exit 0", 2),
    });
    const good = await roll(stand, await releaseOf(images, { web: "good1", migrate: "job-done1" }));
    expect(good, good.log).toMatchObject({ outcome: "succeeded" });
    const restarts = "jsonpath={.items[*].status.containerStatuses[0].restartCount}";
    expect(await stand.kubectl("get", "pods", "-l", "job-name", "-o", restarts)).toBe("1");

    await stand.write({ "job.yaml": job("echo no database; exit 3", 1) });
    const bad = await roll(stand, await releaseOf(images, { web: "good2", migrate: "job-done2" }));
    expect(bad, bad.log).toMatchObject({ outcome: "rolled_back", cause: { service: "migrate" } });
    expect(["exited", "crash_loop"]).toContain(bad.report.cause?.cause);
    expect(await pods()).toHaveLength(2);
  });
});
