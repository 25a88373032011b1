import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { LayoutEntry } from "@belay/core/oci-layout";

/**
 * Makes a layout with one platform only, whose blobs are the other's. Trivy takes the first image that it finds in a
 * layout, whatever platform is asked for (trivy, `pkg/fanal/image/oci.go`).
 */
export async function narrowLayout(path: string, entry: LayoutEntry, target: string): Promise<void> {
  await mkdir(target);
  await symlink(resolve(path, "blobs"), join(target, "blobs"));
  await writeFile(join(target, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(target, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [entry.descriptor] }));
}
