import { createApplyVerb } from "@belay/kubernetes";
import { describe, expect, it } from "vitest";
import { type ManifestStand, objectOf, REPOSITORY, releaseWith } from "./manifest-stand.ts";
import { useManifestStands } from "./use-manifest-stands.ts";

/*
 * Manifests against a real API server: what server-side apply, dry runs and field managers do there. No pod is needed, so
 * none is made: no node has the label that they ask for.
 */

const image = (digit: string) => `${REPOSITORY}@sha256:${digit.repeat(64)}`;
const deployment = (
  more: { readonly top?: string; readonly spec?: string; readonly pod?: string; readonly container?: string } = {},
) => `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
${more.top ?? ""}
spec:
${more.spec ?? "  replicas: 2"}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      nodeSelector: { never: "true" }
${more.pod ?? ""}
      containers:
        - name: web
          image: ${REPOSITORY}:main
          ports: [{ containerPort: 8080 }]
${more.container ?? ""}
`;
const CONFIG = (value: string, name = "settings") =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { LEVEL: "${value}" }\n`;
const READS = "          envFrom: [{ configMapRef: { name: settings } }]";
const SCALER = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }
  minReplicas: 1
  maxReplicas: 9
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 80 } } }]
`;

interface Workload {
  readonly spec: {
    readonly replicas: number;
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly name: string; readonly image: string }[] };
    };
  };
}

let stand: ManifestStand;
useManifestStands((opened) => {
  stand = opened;
});

async function web(): Promise<Workload> {
  return (await stand.get("deployment", "web")) as unknown as Workload;
}

async function imageOf(container = "web"): Promise<string | undefined> {
  return (await web()).spec.template.spec.containers.find(({ name }) => name === container)?.image;
}

/** One deployment of the files as they are, as the next number. */
async function deploy(digit: string, number: number) {
  const state = await stand.render(releaseWith(digit));
  return stand.applyAll(state, number);
}

describe("manifests that are applied", () => {
  it("are created, unchanged, changed by image and brought back", async () => {
    await stand.write({ "web.yaml": `${deployment({ container: READS })}---\n${CONFIG("info")}` });
    const first = await stand.render(releaseWith("a"));
    expect(first.objects.map(({ kind }) => kind)).toEqual(["ConfigMap", "Deployment"]);
    const created = await stand.preview(objectOf(first, "deployment/web"));
    expect(created).toMatchObject({ action: "create", findings: [], differences: [`image web: ${image("a")}`] });
    await stand.applyAll(first, 1);

    const again = await stand.render(releaseWith("a"));
    for (const desired of again.objects) {
      expect(await stand.preview(desired)).toMatchObject({ action: "unchanged", differences: [], findings: [] });
    }
    const second = await stand.render(releaseWith("b"));
    expect(await stand.preview(objectOf(second, "deployment/web"))).toMatchObject({
      action: "update",
      differences: [`image web: ${image("a")} → ${image("b")}`],
    });
    const saved = await stand.applyAll(second, 2);
    expect(await imageOf()).toBe(image("b"));
    expect((await stand.get("deployment", "web")).metadata.labels).toMatchObject({ "belay.dev/deployment": "2" });

    await stand.restoreAll(saved);
    expect(await imageOf()).toBe(image("a"));
    const { labels, annotations } = (await stand.get("deployment", "web")).metadata;
    expect(labels).toMatchObject({ "belay.dev/deployment": "1" });
    expect(annotations).toMatchObject({
      "kubernetes.io/change-cause": expect.stringContaining("deployment 1 to staging"),
    });
  });

  it("take their ConfigMap back with the image, and what was created is gone", async () => {
    const files = (level: string) => ({ "web.yaml": `${deployment({ container: READS })}---\n${CONFIG(level)}` });
    await stand.write(files("info"));
    await deploy("a", 1);
    const before = await web();
    await stand.write(files("debug"));
    const saved = await deploy("b", 2);
    const names = async () =>
      (await stand.kubectl("get", "configmap", "-l", "belay.dev/scope", "-o", "name")).trim().split("\n");
    expect(await names()).toHaveLength(2);
    await stand.restoreAll(saved);
    expect((await web()).spec.template).toEqual(before.spec.template);
    expect(await names()).toHaveLength(1);
  });

  it("that are changed in place come back, too", async () => {
    const files = (level: string) => ({ "config.yaml": CONFIG(level), "web.yaml": deployment() });
    await stand.write(files("info"));
    await deploy("a", 1);
    await stand.write(files("debug"));
    const saved = await deploy("b", 2);
    expect(await stand.get("configmap", "settings")).toMatchObject({ data: { LEVEL: "debug" } });
    await stand.restoreAll(saved);
    expect(await stand.get("configmap", "settings")).toMatchObject({ data: { LEVEL: "info" } });
  });

  it("leave what others have put on an object alone, forward and back", async () => {
    await stand.write({ "web.yaml": deployment() });
    await deploy("a", 1);
    await stand.kubectl("annotate", "deployment/web", "team.example/owner=ada");
    const sidecar = `[{"op":"add","path":"/spec/template/spec/containers/-","value":{"name":"mesh","image":"mesh:1"}}]`;
    await stand.kubectl("patch", "deployment/web", "--type=json", "-p", sidecar, "--field-manager=mesh");
    const untouched = async () => {
      expect((await stand.get("deployment", "web")).metadata.annotations).toMatchObject({
        "team.example/owner": "ada",
      });
      expect(await imageOf("mesh")).toBe("mesh:1");
    };
    const saved = await deploy("b", 2);
    expect(await imageOf()).toBe(image("b"));
    await untouched();
    await stand.kubectl("annotate", "deployment/web", "team.example/later=yes");
    await stand.restoreAll(saved);
    expect(await imageOf()).toBe(image("a"));
    await untouched();
    expect((await stand.get("deployment", "web")).metadata.annotations).toMatchObject({ "team.example/later": "yes" });
  });

  it("lose on the way back what the release had added", async () => {
    await stand.write({ "web.yaml": deployment() });
    await deploy("a", 1);
    const added = `        - { name: extra, image: "extra@sha256:${"e".repeat(64)}" }`;
    await stand.write({ "web.yaml": deployment({ container: `${added}`, top: "  labels: { tier: front }" }) });
    const saved = await deploy("b", 2);
    expect(await imageOf("extra")).toBeDefined();
    await stand.restoreAll(saved);
    expect(await imageOf("extra")).toBeUndefined();
    expect((await stand.get("deployment", "web")).metadata.labels).not.toHaveProperty("tier");
  });

  it("that are gone are created as they were", async () => {
    await stand.write({ "web.yaml": deployment() });
    await deploy("a", 1);
    const saved = await deploy("b", 2);
    await stand.kubectl("delete", "deployment/web");
    await stand.restoreAll(saved);
    expect(await imageOf()).toBe(image("a"));
    expect((await web()).spec.replicas).toBe(2);
  });

  it("are refused before the first change when a field can't be changed", async () => {
    await stand.write({ "web.yaml": deployment() });
    await deploy("a", 1);
    const { metadata } = await stand.get("deployment", "web");
    await stand.write({ "web.yaml": deployment().replaceAll("app: web", "app: front") });
    const state = await stand.render(releaseWith("b"));
    const { object, findings } = await stand.preview(objectOf(state, "deployment/web"));
    expect(object).toBeUndefined();
    expect(findings).toMatchObject([
      {
        level: "refuse",
        check: "immutable_field",
        service: "web",
        message: expect.stringContaining("spec.selector"),
        remedy: expect.stringContaining("Put the field back"),
      },
    ]);
    // The controller writes the status when it likes; the generation counts changes of what is wanted.
    expect((await stand.get("deployment", "web")).metadata.generation).toBe(metadata.generation);
  });

  it("of a StatefulSet with other volume claims are refused with the way that keeps the data", async () => {
    const claims = (size: string) => `
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: web }
spec:
  replicas: 1
  serviceName: web
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { nodeSelector: { never: "true" }, containers: [{ name: web, image: x, volumeMounts: [{ name: data, mountPath: /data }] }] }
  volumeClaimTemplates:
    - metadata: { name: data }
      spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: ${size} } } }
`;
    await stand.write({ "web.yaml": claims("1Gi") });
    const first = await stand.render(releaseWith("a"));
    expect(first.notCovered).toEqual(["the persistent volume claims data-web-*"]);
    await stand.applyAll(first, 1);
    await stand.write({ "web.yaml": claims("2Gi") });
    const state = await stand.render(releaseWith("a"));
    const { findings } = await stand.preview(objectOf(state, "statefulset/web"));
    expect(findings).toMatchObject([{ check: "immutable_field", remedy: expect.stringContaining("--cascade=orphan") }]);
  });

  it("with mistakes are refused in the API server's own words", async () => {
    await stand.write({ "web.yaml": deployment({ spec: "  replicas: -1" }) });
    const state = await stand.render(releaseWith("a"));
    const { findings } = await stand.preview(objectOf(state, "deployment/web"));
    expect(findings).toMatchObject([
      { level: "refuse", check: "object_invalid", message: expect.stringContaining("spec.replicas") },
    ]);
  });
});

describe("fields that others own", () => {
  const applied = () => deployment().replace(`${REPOSITORY}:main`, "registry.example/old:1");

  it("are told with their manager, and nothing is taken over unasked", async () => {
    await stand.pipe(applied(), "apply");
    await stand.write({ "web.yaml": deployment() });
    const state = await stand.render(releaseWith("a"));
    const desired = objectOf(state, "deployment/web");
    const { findings, differences } = await stand.preview(desired);
    expect(findings).toContainEqual({
      level: "refuse",
      check: "field_conflict",
      service: "web",
      message: expect.stringContaining(
        'deployment/web: the field manager `kubectl-client-side-apply` owns .spec.template.spec.containers[name="web"].image',
      ),
      remedy: expect.stringContaining("`belay.dev/take-over: kubectl-client-side-apply`"),
    });
    expect(differences).toContain(`image web: registry.example/old:1 → ${image("a")}`);
    await expect(stand.applyAll(state, 1)).rejects.toThrow("since the plan was made, `kubectl-client-side-apply` owns");
    expect(await imageOf()).toBe("registry.example/old:1");
  });

  it("are taken over when the manifest says so, and come back", async () => {
    await stand.pipe(applied(), "apply");
    const before = await web();
    await stand.write({
      "web.yaml": deployment({ top: '  annotations: { belay.dev/take-over: "kubectl-client-side-apply" }' }),
    });
    const state = await stand.render(releaseWith("a"));
    const { findings } = await stand.preview(objectOf(state, "deployment/web"));
    expect(findings.map(({ level, check }) => [level, check])).toEqual([["warn", "take_over"]]);
    const saved = await stand.applyAll(state, 1);
    expect(await imageOf()).toBe(image("a"));
    await stand.restoreAll(saved);
    expect((await web()).spec).toEqual(before.spec);
    const { labels, annotations } = (await stand.get("deployment", "web")).metadata;
    expect(JSON.stringify([labels, annotations])).not.toContain("belay.dev/release");
    expect(labels ?? {}).not.toHaveProperty("belay.dev/scope");
  });

  it("stay when a run died before it changed anything", async () => {
    await stand.pipe(applied(), "apply");
    const before = await web();
    await stand.write({ "web.yaml": deployment() });
    const desired = objectOf(await stand.render(releaseWith("a")), "deployment/web");
    await stand.restoreAll([stand.verb.save(desired, await stand.api.get(desired))]);
    expect((await web()).spec).toEqual(before.spec);
  });

  it("stay with whoever changed them during the deployment", async () => {
    await stand.write({ "web.yaml": deployment() });
    await deploy("a", 1);
    const saved = await deploy("b", 2);
    await stand.kubectl("scale", "deployment/web", "--replicas=5");
    await stand.kubectl("set", "env", "deployment/web", "HOTFIX=1");
    await stand.restoreAll(saved);
    const { spec } = await web();
    expect(spec.replicas).toBe(5);
    expect(JSON.stringify(spec.template)).toContain("HOTFIX");
    expect(await imageOf()).toBe(image("a"));
  });

  it("of another environment of Belay are refused", async () => {
    await stand.write({ "web.yaml": deployment() });
    await deploy("a", 1);
    const scope = { ...stand.scope, environment: "production" };
    const state = await stand.render(releaseWith("b"), { scope });
    const foreign = createApplyVerb(stand.api, scope);
    const desired = objectOf(state, "deployment/web");
    const { findings } = await foreign.preview(desired, await stand.api.get(desired));
    expect(findings).toMatchObject([
      {
        level: "refuse",
        check: "owner_belay",
        message: "deployment/web belongs to another environment of Belay: shop, staging.",
      },
    ]);
  });

  it("a run that was taken over changes nothing", async () => {
    await stand.write({ "web.yaml": deployment() });
    const state = await stand.render(releaseWith("a"));
    await stand.applyAll(state, 3);
    await expect(stand.applyAll(await stand.render(releaseWith("b")), 2)).rejects.toMatchObject({ code: "FENCED" });
    expect(await imageOf()).toBe(image("a"));
  });
});

describe("the number of replicas", () => {
  it("is the autoscaler's where there is one, forward and back", async () => {
    await stand.write({ "web.yaml": deployment({ spec: "" }), "scaler.yaml": SCALER });
    await deploy("a", 1);
    await stand.kubectl("scale", "deployment/web", "--replicas=7");
    const saved = await deploy("b", 2);
    expect((await web()).spec.replicas).toBe(7);
    await stand.kubectl("scale", "deployment/web", "--replicas=4");
    await stand.restoreAll(saved);
    expect((await web()).spec.replicas).toBe(4);
    expect(await imageOf()).toBe(image("a"));
  });

  it("that the manifests say is left aside for an autoscaler of the cluster", async () => {
    await stand.pipe(SCALER, "apply");
    await stand.write({ "web.yaml": deployment() });
    const state = await stand.render(releaseWith("a"));
    expect(state.findings).toMatchObject([{ level: "warn", check: "autoscaled" }]);
    expect(objectOf(state, "deployment/web").body?.spec).not.toHaveProperty("replicas");
  });

  it("stays when the manifests stop saying it", async () => {
    await stand.write({ "web.yaml": deployment({ spec: "  replicas: 3" }) });
    await deploy("a", 1);
    await stand.write({ "web.yaml": deployment({ spec: "" }) });
    const state = await stand.render(releaseWith("a"));
    expect(await stand.preview(objectOf(state, "deployment/web"))).toMatchObject({ action: "unchanged" });
    await deploy("b", 2);
    expect((await web()).spec.replicas).toBe(3);
  });

  it("that somebody set by hand stays, and is told", async () => {
    await stand.write({ "web.yaml": deployment({ spec: "  replicas: 3" }) });
    await deploy("a", 1);
    await stand.kubectl("scale", "deployment/web", "--replicas=5");
    const state = await stand.render(releaseWith("b"));
    const { findings, differences } = await stand.preview(objectOf(state, "deployment/web"));
    expect(findings).toMatchObject([
      {
        level: "warn",
        check: "scaled_by_hand",
        message: expect.stringMatching(/5 are wanted now, by `kubectl`; the manifests say 3/),
      },
    ]);
    expect(differences).toEqual([`image web: ${image("a")} → ${image("b")}`]);
    const saved = await stand.applyAll(state, 2);
    expect((await web()).spec.replicas).toBe(5);
    await stand.restoreAll(saved);
    expect((await web()).spec.replicas).toBe(5);
  });

  it("that the manifests change comes back", async () => {
    await stand.write({ "web.yaml": deployment({ spec: "  replicas: 3" }) });
    await deploy("a", 1);
    await stand.write({ "web.yaml": deployment({ spec: "  replicas: 6" }) });
    const saved = await deploy("a", 2);
    expect((await web()).spec.replicas).toBe(6);
    await stand.restoreAll(saved);
    expect((await web()).spec.replicas).toBe(3);
  });
});
