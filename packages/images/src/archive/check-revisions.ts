import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BelayError } from "@belay/core";
import type { LayoutEntry } from "@belay/core/oci-layout";
import { z } from "zod";
import { type CommitNames, isOfCommit, REVISION } from "../image-revision.ts";

const LABELS = z.object({
  config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }).nullish(),
});

/**
 * Every platform of an image that somebody else built has to name the commit, so that none of another one gets in by mistake.
 * @throws BelayError INVALID_INPUT
 */
export async function checkRevisions(
  layout: string,
  entries: readonly LayoutEntry[],
  names: CommitNames,
  doing: string,
): Promise<void> {
  const { revision: commit } = names.source;
  for (const { config, platform } of entries) {
    const text = await readFile(join(layout, "blobs", ...config.split(":")), "utf8");
    const revision = LABELS.parse(JSON.parse(text)).config?.Labels?.[REVISION];
    if (isOfCommit(revision, names)) continue;
    const said = revision === undefined ? `has no label ${REVISION}` : `was built from ${revision}`;
    const got = `its image for ${platform} ${said}, and the commit is ${commit}`;
    const next = `Build it from this commit, with --label=${REVISION}=${commit} (docker/metadata-action writes it).`;
    throw new BelayError("INVALID_INPUT", { doing, got, next });
  }
}
