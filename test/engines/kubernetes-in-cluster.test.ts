import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { startRegistry, useKubernetes, waitUntil } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openCatalogue } from "../contract/images.ts";
import { ROOT } from "../structure/source-files.ts";
import { deploymentOf, releaseOf } from "./manifest-shop.ts";
import { ManifestStand } from "./manifest-stand.ts";

/* A runner that is itself a pod of the cluster: no kubeconfig, no Docker engine, nothing but its account. */

type Catalogue = Awaited<ReturnType<typeof openCatalogue>>;

const resources: AsyncDisposableStack = new AsyncDisposableStack();
let stand: ManifestStand;
let images: Catalogue;
beforeAll(async () => {
  const cluster = resources.use(await useKubernetes());
  images = await openCatalogue(resources.use(await startRegistry()));
  stand = await ManifestStand.open(cluster);
  resources.defer(() => stand.close());
});
afterAll(() => resources.disposeAsync());

const BELAY_YAML = (repository: string): string => `version: 1
application: shop
services:
  web: { image: ${repository} }
environments:
  staging:
    target: { kind: kubernetes }
    rollout: { stable: 1s, start: 90s, deadline: 150s }
`;

it("deploys by the account of its pod, in that pod's namespace", async () => {
  const [old, next] = [await releaseOf(images, { web: "good1" }), await releaseOf(images, { web: "good2" })];
  const image = ({ services: { web } }: typeof old): string => `${web?.repository}@${web?.digest}`;
  await stand.pipe(await readFile(join(ROOT, "examples/kubernetes/rbac.yaml"), "utf8"), "apply");
  await stand.pipe(deploymentOf("web").replace("image: web", `image: "${image(old)}"`), "apply");
  const files = { "belay.yaml": BELAY_YAML(next.services.web?.repository ?? ""), "release.json": JSON.stringify(next) };
  await stand.pipe(
    JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "shop" }, data: files }),
    "create",
  );
  await stand.kubectl("rollout", "status", "deployment/web", "--timeout=120s");
  const allowed = ["auth", "can-i", "patch", "deployments", `--as=system:serviceaccount:${stand.namespace}:belay`];
  await waitUntil("the Role counts", async () => (await stand.kubectl(...allowed).catch(() => "")).includes("yes"), {
    withinMs: 60_000,
  });

  await stand.pipe(JSON.stringify(runnerPod(image(old))), "create");
  const phase = () => stand.kubectl("get", "pod", "runner", "--output", "jsonpath={.status.phase}");
  await waitUntil("the runner has ended", async () => /Succeeded|Failed/.test(await phase()), { withinMs: 200_000 });
  const said = await stand.kubectl("logs", "runner");
  expect(await phase(), said).toBe("Succeeded");
  expect(said).toContain('"outcome":"succeeded"');
  const read = [
    "deployment",
    "web",
    "--output",
    "jsonpath={.spec.template.spec.containers[0].image} {.status.readyReplicas}",
  ];
  expect(await stand.kubectl("get", ...read)).toBe(`${image(next)} 2`);
}, 400_000);

/** Node and Belay's sources are the machine's own: what is tested is where the process finds itself. */
function runnerPod(image: string): object {
  const node = dirname(process.execPath);
  const folders = Object.entries({
    [ROOT]: ROOT,
    "/node": node,
    "/lib64": "/lib64",
    "/lib": "/lib",
    "/usr/lib": "/usr/lib",
  });
  const main = join(ROOT, "packages/cli/src/main.ts");
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "runner" },
    spec: {
      serviceAccountName: "belay",
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: "runner",
          image,
          workingDir: "/shop",
          command: ["/node/node", main, "deploy", "--release", "/shop/release.json", "--json"],
          volumeMounts: [
            { name: "shop", mountPath: "/shop" },
            ...folders.map(([mountPath], index) => ({ name: `folder-${index}`, mountPath, readOnly: true })),
          ],
        },
      ],
      volumes: [
        { name: "shop", configMap: { name: "shop" } },
        ...folders.map(([, path], index) => ({ name: `folder-${index}`, hostPath: { path } })),
      ],
    },
  };
}
