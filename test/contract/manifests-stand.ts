import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startRegistry, temporaryFolder, useKubernetes } from "@belay/testkit";
import { openCatalogue } from "./images.ts";
import { handOf, Space } from "./kubernetes-stand.ts";
import type { ManifestSettings } from "./open-manifests.ts";
import { createReleases } from "./release-of.ts";
import type { ApplicationStand, EngineStand, Variants } from "./stand.ts";

/** What people do by hand in these cases makes kubectl the owner of fields, which the manifests allow Belay to take over. */
const TAKE_OVER = { "belay.dev/take-over": "kubectl-client-side-apply, kubectl-set" };

/** Manifests in a folder, on the cluster of the rig, their images in a registry of its own. */
export async function openManifestsStand(): Promise<EngineStand> {
  const [cluster, registry, folder] = await Promise.all([
    useKubernetes(),
    startRegistry(),
    temporaryFolder("belay-manifests"),
  ]);
  const images = await openCatalogue(registry);
  const open = new Set<ApplicationStand>();
  return {
    kind: "kubernetes",
    title: "Kubernetes, manifests",
    impossible: {},
    application: async (name) => {
      const space = new Space(cluster, images, name);
      await space.create();
      const files = join(folder.path, name);
      await mkdir(files);
      const application = createManifestsApplication(space, files, () => open.delete(application));
      open.add(application);
      return application;
    },
    stop: async () => {
      for (const application of open) await application.remove();
      await folder.remove();
      await registry.stop();
      await cluster.stop();
    },
  };
}

interface WrittenObject {
  readonly kind: string;
  readonly metadata: { readonly annotations?: object };
}

/** Manifests in a folder, as {@link ApplicationStand}. */
export function createManifestsApplication(space: Space, folder: string, removed: () => void): ApplicationStand {
  const { scope, cluster } = space;
  const release = createReleases(space.images);
  /**
   * The user's files as they belong to a release: probes stand there, the images come from the release. ConfigMaps are
   * somebody else's: those of the files would have a copy for each release.
   */
  const write = async (variants: Variants): Promise<void> => {
    const objects = (await space.objects(variants)) as readonly WrittenObject[];
    const items = objects
      .filter(({ kind }) => kind !== "ConfigMap")
      .map((one) => ({
        ...one,
        metadata: { ...one.metadata, annotations: { ...one.metadata.annotations, ...TAKE_OVER } },
      }));
    await writeFile(join(folder, "app.json"), JSON.stringify({ apiVersion: "v1", kind: "List", items }, null, 2));
  };
  const kindOf = (name: string) => (space.definitions[name]?.goal === "complete" ? "job" : "deployment");
  return {
    scope,
    define: async (definitions) => {
      space.definitions = definitions;
    },
    release: async (variants, revision) => {
      await write(variants);
      return release(variants, revision);
    },
    opener: () => {
      const services = Object.keys(space.definitions).map((name) => [name, { workload: `${kindOf(name)}/${name}` }]);
      return {
        module: new URL("open-manifests.ts", import.meta.url).href,
        settings: {
          kubeconfig: cluster.kubeconfig,
          scope,
          services: Object.fromEntries(services),
          folder,
        } satisfies ManifestSettings,
      };
    },
    hand: handOf(space),
    observer: {
      script: new URL("observer-kubectl.ts", import.meta.url).href,
      settings: { env: cluster.env, namespace: scope.project },
    },
    identity: (variant) => space.images.identity(variant),
    remove: async () => {
      await space.remove();
      removed();
    },
  };
}
