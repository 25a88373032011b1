import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadConfig, resolveSettings } from "@belay/config";
import { createRunner, DEFAULT_ROLLOUT, Redactor, systemClock } from "@belay/core";
import { createKubernetesTarget, createManifests } from "@belay/kubernetes";
import { deploy } from "@belay/rollout";
import { type Cluster, createTestLog, type RegistryRig, startRegistry, useKubernetes, waitUntil } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openCatalogue } from "../contract/images.ts";
import { ROOT } from "../structure/source-files.ts";
import { releaseOf } from "./manifest-shop.ts";
import { ManifestStand } from "./manifest-stand.ts";

let cluster: Cluster;
let registry: RegistryRig;
let stand: ManifestStand;
beforeAll(async () => {
  [cluster, registry] = await Promise.all([useKubernetes(), startRegistry()]);
  stand = await ManifestStand.open(cluster);
});
afterAll(async () => {
  await stand?.close();
  await registry?.stop();
  await cluster?.stop();
});

it("examples/kubernetes deploys as it stands, by the account that it ships, and goes back", async () => {
  const images = await openCatalogue(registry);
  const { repository } = await images.identity("good1");
  await copyExample(stand.folder, repository);
  await stand.pipe(await readFile(join(stand.folder, "rbac.yaml"), "utf8"), "apply");
  const account = await stand.as("belay");
  const patch = { verb: "patch", group: "", resource: "secrets" };
  await waitUntil("the Role counts", () => account.api.may(patch), { withinMs: 60_000 });

  const redactor = new Redactor();
  const file = await loadConfig(undefined, { workingDirectory: stand.folder });
  const settings = resolveSettings({
    file,
    environment: "staging",
    inputs: {},
    env: { DATABASE_PASSWORD: "hunter2 & co" },
    workingDirectory: stand.folder,
    onSecret: (value) => redactor.add(value),
  });
  if (settings.target.kind !== "kubernetes") throw new Error("the example is not for Kubernetes");
  const { application, environment, variables, secrets, directory } = settings;
  const scope = { target: "kubernetes", project: stand.namespace, application, environment } as const;
  const log = createTestLog(redactor);
  const { api } = account;
  const target = await createKubernetesTarget({
    ...{ api, scope, log, redactor, services: {}, clock: systemClock },
    manifests: createManifests({
      ...{ api, scope, services: {}, variables, secrets, directory, files: settings.target.files },
      runner: createRunner(redactor),
      redactor,
    }),
  });
  const policy = {
    ...DEFAULT_ROLLOUT,
    ...settings.rollout,
    stableMs: 1_000,
    startMs: 90_000,
    deadlineMs: 150_000,
    crashes: 1,
  };
  const roll = async (variant: "good1" | "crash") => {
    const holder = { run: `test-${Math.random()}`, attempt: 1, host: "test" };
    const ports = {
      target,
      clock: systemClock,
      log,
      holder,
      signal: stand.signal,
      redactor: new Redactor(),
      random: Math.random,
    };
    return deploy({ release: await releaseOf(images, { web: variant }), policy }, ports);
  };

  const good = await roll("good1");
  expect(good, log.text()).toMatchObject({ outcome: "succeeded" });
  const environmentOf = async (): Promise<string> =>
    (await stand.kubectl("exec", "deployment/web", "--", "env")).trim();
  const before = await environmentOf();
  expect(before).toContain("HOST=staging.shop.example");
  expect(before).toContain("LOG_LEVEL=debug");
  expect(before).toContain("DATABASE_PASSWORD=hunter2 & co");
  expect(await stand.kubectl("get", "jobs", "-o", "jsonpath={.items[*].status.succeeded}")).toBe("1");
  expect(await stand.kubectl("get", "endpoints", "web", "-o", "jsonpath={.subsets[0].addresses[*].ip}")).toMatch(
    /\S+ \S+ \S+/,
  );

  const bad = await roll("crash");
  expect(bad, log.text()).toMatchObject({ outcome: "rolled_back", cause: { cause: "crash_loop" } });
  expect(await environmentOf()).toContain("LOG_LEVEL=debug");
  expect(JSON.stringify([good.report, bad.report]) + log.text()).not.toContain("hunter2");
  await target.close();
  await api.close();
});

/** The example with another registry, which is all that a user changes, too. */
async function copyExample(folder: string, repository: string): Promise<void> {
  await cp(join(ROOT, "examples/kubernetes"), folder, { recursive: true });
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in the manifests
  const image = "${REGISTRY}/acme/shop-web";
  for (const name of await readdir(join(folder, "k8s"))) {
    const path = join(folder, "k8s", name);
    await writeFile(path, (await readFile(path, "utf8")).replaceAll(image, repository));
  }
}
