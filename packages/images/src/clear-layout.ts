import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { BelayError } from "@belay/core";

/** All that a layout has (OCI image spec, "Image Layout"), and what a builder that was ended leaves of one. */
const PARTS: ReadonlySet<string> = new Set(["oci-layout", "index.json", "index.json.lock", "blobs", "ingest"]);

/**
 * Removes an image layout, whole or half written: BuildKit adds to one that is there, and what an earlier build left would
 * be taken for a part of this image. The folder beside a release document may be the user's own, so that nothing else goes.
 * @throws BelayError INVALID_INPUT when there is something else
 */
export async function clearLayout(path: string): Promise<void> {
  const entries = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    if (error.code === "ENOTDIR") return [""];
    throw error;
  });
  const foreign = entries?.find((entry) => !PARTS.has(entry));
  if (foreign !== undefined) {
    throw new BelayError("INVALID_INPUT", {
      doing: `making room for the image layout ${path}`,
      got:
        foreign === "" ? "a file is there" : `there is ${JSON.stringify(foreign)}, which is no part of an image layout`,
      next: "Let `release` name a file in a folder of its own: images are written beside it, in `images/<service>`.",
    });
  }
  await rm(path, { recursive: true, force: true });
  await mkdir(dirname(path), { recursive: true });
}
