import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Release } from "@belay/core";
import type { Reported } from "@belay/github";
import type { PipelineContext } from "../run/context.ts";
import type { GitHubRun } from "../run/github-of.ts";
import type { Upload } from "../run/upload-kind.ts";
import type { ScanFiles } from "./scan-files.ts";

/**
 * Gives code scanning and the dependency graph what was found. What GitHub does not take is logged by its client and
 * changes nothing.
 */
export async function uploadScan(
  context: PipelineContext,
  run: GitHubRun | undefined,
  uploads: readonly Upload[],
  { release, files }: { readonly release: Release; readonly files: ScanFiles },
): Promise<void> {
  if (uploads.length === 0) return;
  if (run === undefined) {
    context.log.warn("Nothing was uploaded: this is no run of GitHub Actions.");
    return;
  }
  const { github, event } = run;
  const { source } = release;
  // On a pull request GitHub shows results of its merge commit only.
  const merge = event.ref.startsWith("refs/pull/") ? event.workflowSha : undefined;
  const about = { commit: merge ?? source.revision, ref: event.ref };
  const each = async (
    folder: string | undefined,
    send: (text: string, category: string) => Promise<Reported<string>>,
  ) => {
    for (const name of folder === undefined ? [] : (await readdir(folder)).sort()) {
      const category = `belay/${release.application}/${name.replace(/\.[a-z.]+$/, "")}`;
      const sent = await send(await readFile(join(folder ?? "", name), "utf8"), category);
      if (sent.done) context.log.info(`${category} was uploaded (${sent.value})`);
    }
  };
  if (uploads.includes("sarif")) {
    await each(files.sarif, (sarif, category) => github.uploadSarif({ ...about, sarif, category }));
  }
  if (!uploads.includes("dependencies")) return;
  await each(files.github, (snapshot, category) =>
    github.uploadSnapshot({ ...about, snapshot, category, run: run.run }),
  );
}
