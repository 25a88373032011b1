import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ImageIdentity } from "@belay/core";
import { convertReport, nameReport, type PlatformScan, type ReportFormat, type Trivy } from "@belay/scan";
import type { PipelineContext } from "../run/context.ts";
import { scanFolder } from "../run/places.ts";
import type { ScannedImage } from "./gate-services.ts";
import { SCAN_ENDINGS } from "./scan-endings.ts";

/** Folders with a file per service and platform. */
export type ScanFiles = Readonly<Partial<Record<"json" | ReportFormat, string>>>;

interface KeptScan {
  readonly service: string;
  readonly identity: ImageIdentity;
  readonly scan: PlatformScan;
}

/**
 * Writes Trivy's own report of each platform, the very text that the release names by its digest, and what Trivy makes of it in other
 * formats, without another scan: these call the image by its repository.
 */
export async function writeScanFiles(
  context: PipelineContext,
  trivy: Trivy | undefined,
  images: readonly ScannedImage[],
  formats: readonly ReportFormat[],
): Promise<ScanFiles> {
  const folder = scanFolder(context);
  await rm(folder, { recursive: true, force: true });
  const all = images.flatMap(({ service, identity, found }) =>
    found.scans.map((scan) => ({ service, identity, scan })),
  );
  const write = async (format: "json" | ReportFormat, text: (kept: KeptScan) => Promise<string>) => {
    const place = join(folder, format);
    await mkdir(place, { recursive: true });
    for (const kept of all) {
      await writeFile(join(place, scanFileName(kept.service, kept.scan, format)), await text(kept));
    }
    return [format, place] as const;
  };
  const written = [await write("json", async ({ scan }) => scan.json)];
  if (trivy !== undefined) {
    for (const format of formats) {
      written.push(await write(format, (kept) => convertReport(trivy, named(kept), format, context.signal)));
    }
  }
  return Object.fromEntries(written);
}

function named({ identity: { repository, platforms }, scan: { json, report } }: KeptScan): string {
  const own = Object.values(platforms).find(({ config, manifest }) =>
    [config, manifest].includes(report.imageId as never),
  );
  return nameReport(json, { repository, manifest: own?.manifest });
}

/** `web-linux-amd64.sarif`. */
export function scanFileName(service: string, { report }: PlatformScan, format: "json" | ReportFormat): string {
  const platform = report.platform === undefined ? "" : `-${report.platform.replaceAll("/", "-")}`;
  return `${service}${platform}.${SCAN_ENDINGS[format]}`;
}
