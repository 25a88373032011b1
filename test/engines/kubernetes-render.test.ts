import { createRunner, Redactor } from "@belay/core";
import type { RenderOptions } from "@belay/kubernetes";
import { describe, expect, it } from "vitest";
import { type ManifestStand, objectOf, REPOSITORY, releaseWith } from "./manifest-stand.ts";
import { useManifestStands } from "./use-manifest-stands.ts";

/* From the user's files to what should be, with a real API server that is asked for kinds, and the real kustomize. */

const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      nodeSelector: { never: "true" }
      containers: [{ name: web, image: "${REPOSITORY}:main", envFrom: [{ configMapRef: { name: settings } }] }]
`;
const config = (name: string, level = "info") =>
  `---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { LEVEL: ${level} }\n`;
const SERVICE = `---\napiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { selector: { app: web }, ports: [{ port: 80 }] }\n`;
const job = (command: string) =>
  `---\napiVersion: batch/v1\nkind: Job\nmetadata: { name: migrate }\nspec: { template: { spec: { restartPolicy: Never, nodeSelector: { never: "true" }, containers: [{ name: a, image: "${REPOSITORY}", command: [${command}] }] } } }\n`;
const CRON = `---\napiVersion: batch/v1\nkind: CronJob\nmetadata: { name: nightly }\nspec: { schedule: "0 0 1 1 *", jobTemplate: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: a, image: "${REPOSITORY}:x" }] } } } } }\n`;

let stand: ManifestStand;
useManifestStands((opened) => {
  stand = opened;
});

const render = (more: Partial<RenderOptions> = {}) => stand.render(releaseWith("a"), more);
const titles = (objects: readonly { readonly kind: string; readonly name: string }[]) =>
  objects.map(({ kind, name }) => `${kind}/${name}`);
const PINNED = `${REPOSITORY}@sha256:${"a".repeat(64)}`;
const COPY = (kind: string, name: string) => expect.stringMatching(new RegExp(`^${kind}/${name}-[0-9a-f]{10}$`));

describe("files and folders", () => {
  it("give objects in the order in which they are changed", async () => {
    await stand.write({
      "k8s/z.yaml": SERVICE + DEPLOYMENT.replace(/^/, "---"),
      "k8s/a.yml": config("settings") + CRON,
      "k8s/deeper/x.yaml": config("never"),
      "k8s/notes.txt": "no manifest",
      "job.yaml": job("a"),
    });
    const { objects, findings } = await render({ files: [`${stand.folder}/k8s`, `${stand.folder}/job.yaml`] });
    expect(findings).toEqual([]);
    expect(titles(objects)).toEqual([
      COPY("ConfigMap", "settings"),
      COPY("Job", "migrate"),
      "Deployment/web",
      "CronJob/nightly",
      "Service/web",
    ]);
    expect(objects.map(({ service, goal, dependsOn, namespace }) => ({ service, goal, dependsOn, namespace }))).toEqual(
      [
        { dependsOn: [] },
        { service: "job/migrate", goal: "complete", dependsOn: [] },
        { service: "web", goal: "run", dependsOn: ["job/migrate"] },
        { service: "cronjob/nightly", dependsOn: ["job/migrate"] },
        { dependsOn: [] },
      ].map((one) => ({ service: undefined, goal: undefined, ...one, namespace: stand.namespace })),
    );
    for (const { body } of objects.slice(1, 4)) expect(JSON.stringify(body)).toContain(`"${PINNED}"`);
  });

  it("are told with the place of every mistake at once", async () => {
    await stand.write({ "a.yaml": `${config("a")}${config("a")}`, "b.yaml": "kind: A\n", "c.yaml": "a: [\n" });
    const error = await render().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "CONFIG_INVALID", exitCode: 2 });
    expect(String(error)).toContain("b.yaml:1: `apiVersion` is missing");
    expect(String(error)).toContain("c.yaml:2: ");
    await stand.write({ "b.yaml": "", "c.yaml": "" });
    await expect(render()).rejects.toThrow("a.yaml:7: configmap/a is there already, at a.yaml:2");
  });

  it.each([
    ["a file that is not there", ["gone.yaml"], "gone.yaml: there is no such file or folder"],
    ["an empty folder", ["."], "the folder has no file that ends with .yaml, .yml, .json"],
    [
      "a kustomization itself",
      ["kustomization.yaml"],
      "a kustomization is no manifest. Name its folder in `files` instead.",
    ],
    ["files without objects", ["empty.yaml"], "empty.yaml: there is no object"],
  ])("refuse %s", async (_name, files, message) => {
    await stand.write({ "notes.txt": "" });
    if (files[0] !== ".") await stand.write({ "kustomization.yaml": "", "empty.yaml": "# nothing\n" });
    await expect(render({ files: files.map((file) => `${stand.folder}/${file}`) })).rejects.toThrow(message);
  });

  it("have one namespace, and tell what belongs to the whole cluster or to no kind", async () => {
    const priority = "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: { name: x }\nvalue: 1\n";
    const unknown = "---\napiVersion: shop.example/v1\nkind: Shop\nmetadata: { name: x }\n";
    await stand.write({ "a.yaml": config("settings") + DEPLOYMENT.replace(/^/, "---") + priority + unknown });
    const { objects, findings } = await render();
    expect(objectOf({ objects, prune: [], findings: [], notCovered: [] }, "priorityclass/x")).not.toHaveProperty(
      "namespace",
    );
    expect(findings.map(({ level, check }) => [level, check])).toEqual([
      ["warn", "cluster_wide"],
      ["refuse", "kind_unknown"],
    ]);
    const crd = `---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: shops.shop.example }\nspec: { group: shop.example, scope: Namespaced, names: { kind: Shop, plural: shops }, versions: [] }\n`;
    await stand.write({ "a.yaml": config("settings") + DEPLOYMENT.replace(/^/, "---") + crd + unknown });
    const withDefinition = await render();
    expect(withDefinition.findings.map(({ check }) => check)).toEqual(["cluster_wide"]);
    const { findings: tried } = await stand.preview(objectOf(withDefinition, "shop/x"));
    expect(tried).toMatchObject([{ level: "cannot tell", check: "kind_unknown" }]);
    await stand.write({ "a.yaml": config("a").replace("name: a", "name: a, namespace: kube-system") });
    await expect(render()).rejects.toThrow(
      `a.yaml:2: configmap/a belongs to the namespace kube-system, and this environment's is ${stand.namespace}.`,
    );
  });

  it("say what no way back covers", async () => {
    const pod = DEPLOYMENT.replace(
      "containers:",
      "volumes: [{ name: a, persistentVolumeClaim: { claimName: data } }, { name: b, hostPath: { path: /var/log } }]\n      containers:",
    );
    const claim =
      "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: { name: data }\nspec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }\n";
    await stand.write({ "a.yaml": config("settings") + pod.replace(/^/, "---") + claim });
    expect((await render()).notCovered).toEqual([
      "the persistent volume claim data",
      "the folder /var/log of the node (deployment/web)",
    ]);
  });
});

describe("a kustomization", () => {
  const files = {
    "base/kustomization.yaml":
      "resources: [web.yaml]\nconfigMapGenerator: [{ name: settings, literals: [LEVEL=info] }]\n",
    "base/web.yaml": DEPLOYMENT,
    "staging/kustomization.yaml":
      'resources: [../base]\nlabels: [{ pairs: { team: shop } }]\nreplicas: [{ name: web, count: 4 }]\nconfigMapGenerator: [{ name: settings, behavior: merge, literals: ["HOST=$' +
      "{HOST}" +
      '"] }]\n',
  };

  it("is rendered, its generated names stay, and variables are filled in", async () => {
    await stand.write(files);
    const state = await render({ files: [`${stand.folder}/staging`], variables: { HOST: "shop.example" } });
    const [map, web] = state.objects;
    expect(map?.name).toMatch(/^settings-[2456789bcdfghkmt]{10}$/);
    expect(map?.body).toMatchObject({
      data: { LEVEL: "info", HOST: "shop.example" },
      metadata: { labels: { team: "shop" } },
    });
    expect(web?.body).toMatchObject({ spec: { replicas: 4, template: { spec: { containers: [{ image: PINNED }] } } } });
    expect(JSON.stringify(web?.body)).toContain(`"configMapRef":{"name":"${map?.name}"}`);
    await stand.applyAll(state, 1);
  });

  it("with a mistake is refused in kustomize's own words", async () => {
    await stand.write({ "k/kustomization.yaml": "resources: [gone.yaml]\n" });
    const error = await render({ files: [`${stand.folder}/k`] }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "CONFIG_INVALID",
      doing: "rendering the kustomization k",
      got: expect.stringContaining("gone.yaml"),
    });
  });

  it("needs kubectl, and says so", async () => {
    await stand.write(files);
    const more = {
      files: [`${stand.folder}/base`],
      runner: createRunner(new Redactor()),
      kubectl: "kubectl-is-not-here",
    };
    await expect(render(more)).rejects.toMatchObject({
      code: "TOOL_MISSING",
      next: expect.stringContaining("Install kubectl"),
    });
  });
});

describe("objects that the manifests no longer have", () => {
  it("are found: those that Belay has applied for this environment, and no others", async () => {
    await stand.write({ "web.yaml": DEPLOYMENT, "more.yaml": config("settings") + config("plain") + SERVICE });
    await stand.applyAll(await render(), 1);
    const others = config("by-hand") + config("copied");
    await stand.pipe(others, "apply");
    const scope = await stand.get("service", "web");
    const label = `belay.dev/scope=${scope.metadata.labels?.["belay.dev/scope"]}`;
    await stand.kubectl("label", "configmap/copied", label);
    await stand.write({ "more.yaml": config("settings") });
    expect(titles((await render()).prune).sort()).toEqual(["ConfigMap/plain", "Service/web"]);
  });

  it("stay when they hold data, or belong to another environment", async () => {
    const claim =
      "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: { name: data }\nspec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }\n";
    await stand.write({ "web.yaml": DEPLOYMENT, "more.yaml": config("settings") + claim });
    await stand.applyAll(await render(), 1);
    await stand.write({ "more.yaml": config("settings") });
    expect((await render()).prune).toEqual([]);
    await stand.write({ "web.yaml": DEPLOYMENT.replaceAll("web", "front"), "more.yaml": config("settings") });
    const scope = { ...stand.scope, environment: "production" };
    expect((await render({ scope, services: { web: { workload: "front" } } })).prune).toEqual([]);
  });

  it("stay while they are copies that a template names, and the newest of the others", async () => {
    const copies = (await import("../../packages/kubernetes/src/manifests/find-leftovers.ts")).KEPT_COPIES;
    for (let number = 1; number <= copies + 3; number += 1) {
      await stand.write({
        "web.yaml": config("settings", `v${number}`) + (number < 3 ? DEPLOYMENT.replace(/^/, "---") : ""),
      });
      if (number < 3) await stand.applyAll(await render(), number);
      else await applyCopy(number);
    }
    const names = (await stand.kubectl("get", "configmap", "-l", "belay.dev/scope", "-o", "name")).trim().split("\n");
    expect(names).toHaveLength(copies + 3);
    await stand.write({ "web.yaml": config("settings", "v2") + DEPLOYMENT.replace(/^/, "---") });
    const { prune } = await render();
    const live = JSON.stringify(await stand.get("deployment", "web"));
    for (const { name } of prune) expect(live).not.toContain(name);
    expect(prune.length).toBeGreaterThan(0);
    expect(prune.length).toBeLessThanOrEqual(2);
  });

  /** A copy of a release that runs no more. */
  async function applyCopy(number: number): Promise<void> {
    const files = config("settings", `v${number}`) + DEPLOYMENT.replace(/^/, "---");
    await stand.write({ "web.yaml": files });
    const state = await render();
    await stand.applyAll({ ...state, objects: state.objects.filter(({ kind }) => kind === "ConfigMap") }, number);
  }
});
