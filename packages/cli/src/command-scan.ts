import { type Inputs, releaseDigest } from "@belay/core";
import { loadScanInputs, type PipelineContext, scan } from "@belay/pipeline";
import type { CommandResult } from "./run-command.ts";

/** What does not pass is thrown, and ends with exit code 10 (vulnerable) or 11 (could not scan). */
export async function runScan(context: PipelineContext, inputs: Inputs): Promise<CommandResult> {
  const { release, releasePath, evidence, summary, files } = await scan(context, loadScanInputs(inputs));
  const lines = summary.services.map(({ service, headline }) => `  ${service.padEnd(16)} ${headline}`);
  const reports = Object.entries(files).map(([format, folder]) => `${format}: ${folder}`);
  const text = [`Scanned ${release.application}:`, ...lines, ...reports, `Release: ${releasePath}`, ""].join("\n");
  const json = {
    outcome: "succeeded",
    cause: null,
    release: releaseDigest(release),
    releasePath,
    scan: evidence,
    services: summary.services,
    reports: files,
  };
  return { text, json, exitCode: 0 };
}
