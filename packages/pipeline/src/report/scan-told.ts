import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  messageOf,
  parseJson,
  readJobFile,
  redactDeep,
  type ScanServiceSummary,
  type ScanSummary,
  writeJobFile,
} from "@belay/core";
import { renderScanPage, writeSummary } from "@belay/github";
import type { PipelineContext } from "../run/context.ts";
import { belayFolder } from "../run/places.ts";
import { SCAN_SUMMARY_FORM } from "./scan-summary-form.ts";

/** The stage's words where nobody looked. */
export const SCAN_OFF = "switched off in the settings (scan: off)";

/** What people are told of a service that nobody looked at. */
export function offSummary(service: string): ScanServiceSummary {
  const headline = "Not scanned: the settings switch it off";
  return { service, result: "off", headline, rows: [], total: 0, obstacles: [], notes: [] };
}

/** What the scan of this job has to tell; the report shows it. */
function summaryPath(context: PipelineContext): string {
  return join(belayFolder(context), "scan.json");
}

/** A full disk is told and changes nothing else. */
export async function keepScanSummary(context: PipelineContext, summary: ScanSummary): Promise<void> {
  try {
    await mkdir(dirname(summaryPath(context)), { recursive: true });
    await writeJobFile(summaryPath(context), JSON.stringify(redactDeep(summary, context.redactor)));
  } catch (error) {
    context.log.warn(`What the scan found could not be kept for later steps: ${messageOf(error)}`);
  }
}

/** Shows it in the job's summary. A summary that can't be written is told, and changes nothing. */
export async function tellScan(context: PipelineContext, summary: ScanSummary): Promise<void> {
  const told = await writeSummary(context.env.GITHUB_STEP_SUMMARY, renderScanPage(summary, context.redactor));
  if (!told.done) context.log.warn(told.deferred.message);
}

/** Of an earlier release that this job is done with. */
export async function forgetScanSummary(context: PipelineContext): Promise<void> {
  await rm(summaryPath(context), { force: true });
}

/** None where nothing was scanned. It is only told, never decided on. */
export async function readScanSummary(context: PipelineContext): Promise<ScanSummary | undefined> {
  try {
    return SCAN_SUMMARY_FORM.parse(parseJson(await readJobFile(summaryPath(context)))) as ScanSummary;
  } catch (error) {
    context.log.debug(`no scan of an earlier step: ${messageOf(error)}`);
    return undefined;
  }
}
