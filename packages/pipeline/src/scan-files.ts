import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ImageScan, PlatformScan, ReportFormat, Trivy } from "@belay/scan";
import { convertReport } from "@belay/scan";
import type { PipelineContext } from "./context.ts";
import { scanFolder } from "./places.ts";
import { SCAN_ENDINGS } from "./scan-endings.ts";

/** Folders with a file per service and platform. */
export type ScanFiles = Readonly<Partial<Record<"json" | ReportFormat, string>>>;

/** Writes Trivy's own report of each platform, and what Trivy makes of it in other formats, without another scan. */
export async function writeScanFiles(
  context: PipelineContext,
  trivy: Trivy | undefined,
  scans: Readonly<Record<string, ImageScan>>,
  formats: readonly ReportFormat[],
): Promise<ScanFiles> {
  const folder = scanFolder(context);
  await rm(folder, { recursive: true, force: true });
  const all = Object.entries(scans).flatMap(([service, found]) => found.scans.map((scan) => ({ service, scan })));
  const write = async (format: "json" | ReportFormat, text: (scan: PlatformScan) => Promise<string>) => {
    const place = join(folder, format);
    await mkdir(place, { recursive: true });
    for (const { service, scan } of all) {
      await writeFile(join(place, scanFileName(service, scan, format)), await text(scan));
    }
    return [format, place] as const;
  };
  const written = [await write("json", async ({ json }) => json)];
  if (trivy !== undefined) {
    for (const format of formats) {
      written.push(await write(format, ({ json }) => convertReport(trivy, json, format, context.signal)));
    }
  }
  return Object.fromEntries(written);
}

/** `web-linux-amd64.sarif`. */
export function scanFileName(service: string, { report }: PlatformScan, format: "json" | ReportFormat): string {
  const platform = report.platform === undefined ? "" : `-${report.platform.replaceAll("/", "-")}`;
  return `${service}${platform}.${SCAN_ENDINGS[format]}`;
}
