import { BelayError, type Release, readRelease, type ScanEvidence, type ScanSummary } from "@belay/core";
import { withEngine } from "../access/engine-on-demand.ts";
import { SCAN_OFF } from "../report/scan-told.ts";
import { addStages, timedStage } from "../report/stages.ts";
import { withFailureReport } from "../report/with-failure-report.ts";
import type { PipelineContext } from "../run/context.ts";
import type { GitHubRun } from "../run/github-of.ts";
import { hasLayout, releasePath } from "../run/places.ts";
import { scanSettingsOf } from "../run/settings-of.ts";
import type { ScanInputs } from "../run/use-case-inputs.ts";
import { requireTrusted } from "../trust/require-trusted.ts";
import type { GatedService } from "./gate-services.ts";
import type { ScanFiles } from "./scan-files.ts";
import { uploadScan } from "./upload-scan.ts";

/** What a scan made. */
export interface Scanned {
  readonly release: Release;
  readonly releasePath: string;
  readonly evidence: ScanEvidence;
  readonly summary: ScanSummary;
  readonly gated: readonly GatedService[];
  readonly files: ScanFiles;
}

export interface ScanHooks {
  /** Told before a scan that did not pass is thrown. */
  readonly onScanned?: (scanned: Scanned) => void | Promise<void>;
  /** Whether what lets the scan fail is annotated, each at its place in the repository. */
  readonly annotate?: boolean;
}

/**
 * Scans every platform of every image of the release, compares it with what runs in the environment, and writes the next
 * release with the evidence, whatever it is.
 * @throws BelayError VULNERABLE, SCAN_FAILED when the gate does not let it pass; RELEASE_INVALID, CONFIG_INVALID,
 *   INVALID_INPUT. Each is written into the report too.
 */
export function scan(context: PipelineContext, inputs: ScanInputs, hooks: ScanHooks = {}): Promise<Scanned> {
  return withFailureReport(context, inputs, false, async (facts, run) => {
    const settings = await scanSettingsOf(context, inputs);
    const path = releasePath(context, inputs);
    const release = await readRelease(path);
    facts.application = release.application;
    facts.source = release.source;
    await requireTrusted(run, { doing: "scanning", source: release.source, withoutSecrets: true });
    if (settings.environment !== undefined) facts.environment = settings.environment;
    const off = Object.keys(release.services).filter((name) => (settings.services[name] ?? settings.gate).off);
    if (off.length > 0) tellOff(context, off);
    const work = async (): Promise<Scanned> => {
      const scanned = await withEngine(context, async (engine) => {
        // Dialled while what scans is loaded.
        if (inputs.reports.length === 0 && hasEngineImage(release, path, off)) engine.find();
        // Trivy's part is loaded only where something is scanned.
        const { scanRelease } = await import("./scan-release.ts");
        return scanRelease({ ...{ context, inputs, settings, release, path, off, engine }, ...eventOf(run) });
      });
      await uploadScan(context, run, inputs.uploads, scanned);
      await hooks.onScanned?.(scanned);
      if (hooks.annotate === true) await (await import("./annotate-findings.ts")).annotateFindings(context, scanned);
      throwUnlessPassed(scanned);
      return scanned;
    };
    if (off.length < Object.keys(release.services).length) return timedStage(context, "scan", work, describeScan);
    await addStages(context, [{ name: "scan", state: "skipped", durationMs: 0, detail: SCAN_OFF }]);
    return work();
  });
}

function eventOf(run: GitHubRun | undefined): { readonly event?: GitHubRun["event"] } {
  return run === undefined ? {} : { event: run.event };
}

/** An image in a layout needs no engine, and one in a registry only what the engine says of registries. */
function hasEngineImage({ services }: Release, path: string, off: readonly string[]): boolean {
  return Object.entries(services).some(
    ([name, { digest }]) => digest === undefined && !off.includes(name) && !hasLayout(path, name),
  );
}

/** Said loudly: whoever reads the log or the annotations must not take it for clean. */
function tellOff({ log }: PipelineContext, services: readonly string[]): void {
  log.warn(`The scan is switched off for ${services.join(", ")}: nobody knows what is in these images.`, {
    title: "Not scanned",
  });
}

function describeScan({ summary }: Scanned): string {
  return summary.services.map(({ service, headline }) => `${service}: ${headline}`).join("; ");
}

/** What is proven is said before what is unknown. */
function throwUnlessPassed({ gated, summary }: Scanned): void {
  const bad = gated.filter(({ gate }) => gate.result !== "passed");
  if (bad.length === 0) return;
  const vulnerable = bad.some(({ gate }) => gate.result === "vulnerable");
  const told = summary.services.filter(({ service }) => bad.some((one) => one.service === service));
  const lines = told.flatMap(({ service, headline, rows, obstacles }) => [
    `${service}: ${headline}`,
    ...rows
      .filter(({ effect }) => effect === "fails")
      .slice(0, 10)
      .map((row) => `  ${row.severity} ${row.id} in ${row.subject}: ${row.remedy}`),
    ...obstacles.map((text) => `  ${text}`),
  ]);
  throw new BelayError(vulnerable ? "VULNERABLE" : "SCAN_FAILED", {
    doing: "scanning the images",
    got: lines.join("\n"),
    next: vulnerable ? NEXT.vulnerable : NEXT.unknown,
  });
}

const NEXT = {
  vulnerable: "\nUpdate what has a fix, or ignore what does not concern you, with a reason and an end (.trivyignore).",
  unknown: "\nNothing is known about these images, so they are not pushed.",
} as const;
