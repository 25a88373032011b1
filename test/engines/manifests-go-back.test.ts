import { randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { pinnedReference, Redactor, unpackRecord } from "@belay/core";
import { renderComment } from "@belay/github";
import type { KubernetesObject } from "@belay/kubernetes";
import { describe, expect } from "vitest";
import type { VariantName } from "../contract/variants.ts";
import { it as base } from "./kubernetes-space.ts";
import { deploymentOf, releaseOf, roll as rollIn } from "./manifest-shop.ts";
import { ManifestStand } from "./manifest-stand.ts";

/* What belongs to a release besides its image goes back with it: seen in the pods and with the plain kubectl. */

type Variants = Readonly<Record<string, VariantName>>;

const it = base.extend("place", async ({ stand: { cluster, images } }, { onCleanup }) => {
  const stand = await ManifestStand.open(cluster);
  onCleanup(() => stand.close());
  const read = async (...args: string[]): Promise<readonly KubernetesObject[]> =>
    (JSON.parse(await stand.kubectl("get", ...args, "--output", "json")) as { items: KubernetesObject[] }).items;
  return {
    write: (files: Readonly<Record<string, string>>) => stand.write(files),
    read,
    kubectl: (...args: string[]) => stand.kubectl(...args),
    roll: async (variants: Variants) => rollIn(stand, await releaseOf(images, variants)),
    image: async (variant: VariantName) => pinnedReference(await images.identity(variant)) ?? "",
    /** What each pod of an application that is not on its way out runs, and what a shell in it says. */
    pods: async (app: string, ...script: string[]): Promise<readonly string[]> => {
      const pods = (await read("pods", "--selector", `app=${app}`)).filter((pod) => !pod.metadata.deletionTimestamp);
      const seen = pods.map(async ({ metadata, spec }) => {
        const { containers } = spec as { containers: { image: string }[] };
        const said =
          script.length === 0 ? "" : await stand.kubectl("exec", metadata.name, "--", "sh", "-c", script.join("; "));
        return [containers[0]?.image, ...said.split("\n")].filter(Boolean).join(" ");
      });
      return (await Promise.all(seen)).sort();
    },
  };
});

/** A `--selector` for what Belay applied, without its ledger. */
const APPLIED = ["--selector", "belay.dev/scope,!belay.dev/record"] as const;
const nameOf = ({ metadata }: KubernetesObject): string => metadata.name;

/** Without its old pods, so that the way back needs new ones. */
const recreated = (deployment: string): string =>
  deployment.replace("spec:\n", "spec:\n  strategy: { type: Recreate }\n");

const secretOf = (name: string, value: string, more = ""): string =>
  `---\napiVersion: v1\nkind: Secret\nmetadata: { name: ${name}${more} }\nstringData: { KEY: "${value}" }\n`;

describe.concurrent("what goes back with a release", { timeout: 400_000 }, () => {
  it("is the value of a Secret, by variable, by volume and in place, and no value is told", async ({ place }) => {
    const old = randomBytes(12).toString("hex");
    const other = randomBytes(12).toString("hex");
    const container = `          env: [{ name: KEY, valueFrom: { secretKeyRef: { name: tokens, key: KEY } } }]
          envFrom: [{ secretRef: { name: open }, prefix: OPEN_ }]
          volumeMounts: [{ name: keys, mountPath: /keys }]`;
    const web = recreated(deploymentOf("web", { replicas: 1, container })).replace(
      "      containers:",
      "      volumes: [{ name: keys, secret: { secretName: keys } }]\n      containers:",
    );
    const open = (value: string) => `open-${value.slice(0, 4)}`;
    const inPlace = ', annotations: { belay.dev/versioned: "false" }';
    const files = (value: string) => ({
      "web.yaml":
        secretOf("tokens", value) + secretOf("keys", `file-${value}`) + secretOf("open", open(value), inPlace) + web,
    });
    await place.write(files(old));
    const first = await place.roll({ web: "good1" });
    expect(first, first.log).toMatchObject({ outcome: "succeeded" });
    const secrets = async () =>
      (await place.read("secrets", ...APPLIED)).map(({ metadata, data }) => [metadata.name, data]);
    const before = await secrets();
    await place.write(files(other));
    const bad = await place.roll({ web: "crash" });
    expect(bad, bad.log).toMatchObject({ outcome: "rolled_back", cause: { cause: "crash_loop", service: "web" } });
    const right = `${await place.image("good1")} ${old} ${open(old)} file-${old}`;
    expect(await place.pods("web", "echo $KEY", "echo $OPEN_KEY", "cat /keys/KEY")).toEqual([right]);
    expect(await secrets()).toEqual(before);
    const records = await place.read("secrets", "--selector", "belay.dev/record");
    const kept = records.map(({ data }) => textOf(unpackRecord((data as { record?: string }).record)));
    expect(kept.some((text) => text.includes("belay.kubernetes-snapshot/v1"))).toBe(true);
    const comment = renderComment(bad.report, { redactor: new Redactor() });
    const told = [JSON.stringify([first, bad]), first.log, bad.log, comment].join("\n");
    for (const value of [old, other]) {
      // What is changed in place is kept where it was: in a Secret of the namespace.
      for (const form of [...formsOf(value), ...formsOf(`file-${value}`)])
        expect(kept.join("\n") + told).not.toContain(form);
      for (const form of formsOf(open(value))) expect(told).not.toContain(form);
    }
  });

  it("is what kustomize generated, which old pods need as long as one may come back", async ({ place }) => {
    const container = "          envFrom: [{ configMapRef: { name: settings } }, { secretRef: { name: tokens } }]";
    const files = (level: string) => ({
      "web.yaml": recreated(deploymentOf("web", { replicas: 1, container })),
      "kustomization.yaml": `resources: [web.yaml]
images: [{ name: web, newName: registry.example/others, newTag: "9" }]
configMapGenerator: [{ name: settings, literals: [LEVEL=${level}] }]
secretGenerator: [{ name: tokens, literals: [TOKEN=of-${level}] }]
`,
    });
    const generated = async () => (await place.read("configmaps,secrets", ...APPLIED)).map(nameOf).sort();
    const says = ["echo $LEVEL", "echo $TOKEN"];
    await place.write(files("info"));
    const first = await place.roll({ web: "good1" });
    expect(first, first.log).toMatchObject({ outcome: "succeeded" });
    const before = await generated();
    expect(before).toEqual([GENERATED("settings"), GENERATED("tokens")]);
    await place.write(files("debug"));
    const bad = await place.roll({ web: "crash" });
    expect(bad, bad.log).toMatchObject({ outcome: "rolled_back", cause: { cause: "crash_loop", service: "web" } });
    const right = `${await place.image("good1")} info of-info`;
    expect(await place.pods("web", ...says)).toEqual([right]);
    expect(await generated()).toEqual(before);
    const good = await place.roll({ web: "good2" });
    expect(good, good.log).toMatchObject({ outcome: "succeeded" });
    const now = `${await place.image("good2")} debug of-debug`;
    expect(await place.pods("web", ...says)).toEqual([now]);
    expect(await generated()).toHaveLength(4);
    // The history of the Deployment names what it needs, and so somebody's undo finds it.
    await place.kubectl("rollout", "undo", "deployment/web");
    await place.kubectl("rollout", "status", "deployment/web", "--timeout", "120s");
    expect(await place.pods("web", ...says)).toEqual([right]);
  });

  it("is a StatefulSet and a DaemonSet, as a whole, whichever of them fails", async ({ place }) => {
    const store = deploymentOf("store", { replicas: 1 }).replace("kind: Deployment", "kind: StatefulSet");
    const agent = deploymentOf("agent").replace("kind: Deployment", "kind: DaemonSet").replace("  replicas: 2\n", "");
    await place.write({ "all.yaml": store.replace("spec:\n", "spec:\n  serviceName: store\n") + agent });
    const runs = async () => [...(await place.pods("store")), ...(await place.pods("agent"))];
    const all = async (variant: VariantName) => Array<string>(2).fill(await place.image(variant));
    const first = await place.roll({ store: "good1", agent: "good1" });
    expect(first, first.log).toMatchObject({ outcome: "succeeded" });
    const good = await place.roll({ store: "good2", agent: "good2" });
    expect(good, good.log).toMatchObject({ outcome: "succeeded" });
    expect(await runs()).toEqual(await all("good2"));
    for (const [service, variants] of [
      ["store", { store: "crash", agent: "good3" }],
      ["agent", { store: "good3", agent: "crash" }],
    ] as const) {
      const bad = await place.roll(variants);
      expect(bad, bad.log).toMatchObject({ outcome: "rolled_back", cause: { cause: "crash_loop", service } });
      expect(bad.report.running).toMatchObject([{ ready: 1 }, { ready: 1 }]);
      expect(await runs()).toEqual(await all("good2"));
    }
  });
});

const GENERATED = (name: string) => expect.stringMatching(new RegExp(`^${name}-[2456789bcdfghkmt]{10}$`));

const formsOf = (value: string): readonly string[] => [value, Buffer.from(value).toString("base64")];

/** A record as it was written: snapshots are compressed. */
function textOf(bytes: Uint8Array): string {
  const isCompressed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return Buffer.from(isCompressed ? gunzipSync(bytes) : bytes).toString("utf8");
}
