import { type Cluster, type RegistryRig, startRegistry, useKubernetes } from "@belay/testkit";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { type ImageCatalogue, openCatalogue } from "../contract/images.ts";
import { ManifestStand } from "./manifest-stand.ts";

/** Each test of the calling file gets a stand of its own, on a cluster and with images that all of them share. */
export function useManifestStands(take: (stand: ManifestStand, images: ImageCatalogue) => void): void {
  let cluster: Cluster | undefined;
  let registry: RegistryRig | undefined;
  let images: ImageCatalogue | undefined;
  let stand: ManifestStand | undefined;
  beforeAll(async () => {
    [cluster, registry] = await Promise.all([useKubernetes(), startRegistry()]);
    images = await openCatalogue(registry);
  });
  afterAll(async () => {
    await registry?.stop();
    await cluster?.stop();
  });
  beforeEach(async () => {
    if (cluster === undefined || images === undefined) throw new Error("the cluster did not start");
    stand = await ManifestStand.open(cluster);
    take(stand, images);
  });
  afterEach(() => stand?.close());
}
