import { type RunningService, shortDigest } from "@belay/core";

const HEAD = ["SERVICE", "READY", "IMAGE", "DEPLOYMENT", "COMMIT", "SINCE"];

/** What truly runs, a service a line. `done`: those that ran once to their end. */
export function serviceTable(services: readonly RunningService[], done: ReadonlySet<string> = new Set()): string {
  const rows = services.map((service) => [
    service.service,
    done.has(service.service) ? "done" : `${service.ready}/${service.desired}`,
    shortImage(service),
    service.deployment === undefined ? "-" : String(service.deployment),
    service.labelledCommit?.slice(0, 12) ?? "-",
    wholeSeconds(service.since ?? "-"),
  ]);
  return alignColumns([HEAD, ...rows]);
}

/** `ghcr.io/acme/shop-web@3fa9c1d2e4b5`: enough to tell images apart. */
function shortImage(service: RunningService): string {
  const [name, digest] = service.image.split("@");
  return digest?.startsWith("sha256:") ? `${name}@${shortDigest(digest as `sha256:${string}`)}` : service.image;
}

/** `2026-01-01T00:00:00.123456789Z` without what stands behind the seconds. */
export function wholeSeconds(time: string): string {
  return time.replace(/(:\d\d)\.\d+/, "$1");
}

/** Pads each column to its widest cell. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
