import { formatDuration, type ScanRow, type ScanServiceSummary, type ScanSummary, truncate } from "@belay/core";
import { blocks, code, details, html, link, prose, table } from "./markdown.ts";
import { firstRows, type RenderLevel } from "./render-level.ts";

/** Never green unless somebody looked and the gate let it pass. */
const RESULT_WORDS = {
  passed: "passed",
  vulnerable: "**vulnerable**",
  could_not_scan: "**could not be scanned**",
  off: "**not scanned**",
} as const;

/** It passed, and the settings allow that not all was looked at. */
const PARTLY = "⚠️ **looked at in part**";

/** What the scan found: each service's result and what changed, then the findings that matter; the others are folded. */
export function renderScanSummary(scan: ScanSummary, level: RenderLevel, folded: boolean): string {
  const off = scan.services.filter(({ result }) => result === "off");
  const told = scan.services.filter(({ result }) => result !== "off");
  return blocks(
    off.length === 0 ? "" : renderOff(off),
    told.length === 0 ? "" : serviceTable(scan.services),
    list(told.flatMap(({ service, obstacles }) => obstacles.map((text) => `${code(service)}: ${outside(text)}`))),
    ...told.map((service) => renderRows(service, scan.services.length > 1, level, folded)),
    list(told.flatMap(({ notes }) => notes.map(outside))),
    renderDatabase(scan),
  );
}

function renderOff(services: readonly ScanServiceSummary[]): string {
  const names = services.map(({ service }) => code(service)).join(", ");
  return `⚠️ **Not scanned:** ${names}. The settings switch it off (${code("scan: off")}), so nobody knows what is inside.`;
}

function serviceTable(services: readonly ScanServiceSummary[]): string {
  const rows = services.map(({ service, result, partial, headline, comparison }) => {
    const counts =
      comparison === undefined || "impossible" in comparison
        ? ["", "", ""]
        : [comparison.introduced, comparison.fixed, comparison.unchanged].map(String);
    return [code(service), partial === true ? PARTLY : RESULT_WORDS[result], ...counts, outside(headline)];
  });
  const why = services.flatMap(({ service, comparison }) =>
    comparison !== undefined && "impossible" in comparison
      ? [`${code(service)} was not compared with what runs: ${outside(comparison.impossible)}.`]
      : [],
  );
  return blocks(table(["Scan of", "Result", "New", "Fixed", "Unchanged", ""], rows), list(why));
}

/** What fails, is new or is fixed is open; what was there before, is harmless or ignored is folded. */
function renderRows(
  { service, rows, total }: ScanServiceSummary,
  named: boolean,
  level: RenderLevel,
  folded: boolean,
): string {
  const isOpen = ({ effect, change }: ScanRow): boolean =>
    effect === "fails" || change === "fixed" || (change === "new" && effect !== "ignored");
  const [open, rest] = [rows.filter(isOpen), rows.filter((row) => !isOpen(row))];
  const left = total - rows.length;
  const more = left > 0 ? `_and ${left} more, which the report of the scan has_` : "";
  const title = `Known, harmless or ignored${named ? ` in ${html(service)}` : ""} (${rest.length})`;
  const others = rowTable(rest, level);
  return blocks(
    named && open.length > 0 ? `In ${code(service)}:` : "",
    rowTable(open, level),
    others === "" ? "" : folded ? details(title, others) : blocks(`${title}:`, others),
    more,
  );
}

function rowTable(rows: readonly ScanRow[], level: RenderLevel): string {
  if (rows.length === 0) return "";
  const { shown, more } = firstRows(rows, Math.min(level.rows, 30));
  const platforms = new Set(shown.flatMap((row) => row.platforms));
  const cells = shown.map((row) => [
    changeOf(row),
    `${row.severity}${row.exploited === true ? " (exploited)" : ""}`,
    link(code(row.id), row.link),
    blocks(code(row.subject)) + platformsOf(row, platforms.size),
    outside(row.remedy),
    code(truncate(row.origin, level.lineWidth)),
  ]);
  return blocks(table(["", "Severity", "Finding", "In", "Remedy", "From"], cells), more);
}

function changeOf({ change, effect, because }: ScanRow): string {
  const word = change === "new" ? "**new**" : (change ?? "");
  const what = effect === "fails" ? "**fails**" : effect === "ignored" ? `ignored (${outside(because ?? "")})` : "";
  return [word, what].filter((text) => text !== "").join(", ") || (effect ?? "");
}

/** Only where the platforms differ. */
function platformsOf({ platforms }: ScanRow, all: number): string {
  return all < 2 || platforms.length === all || platforms.length === 0 ? "" : ` on ${platforms.map(code).join(", ")}`;
}

function renderDatabase({ database, javaDatabase, scanner, scanners, result }: ScanSummary): string {
  if (result === "off") return "";
  const sought = scanners === undefined ? "" : `looked for ${prose(scanners.join(", "))}, `;
  const by = `${scanner === undefined ? "" : `${prose(scanner)}, `}${sought}`;
  if (database === undefined) return `<sub>${by}the age of its database is unknown</sub>`;
  const java = javaDatabase === undefined ? "" : `; of Java archives: ${aged(javaDatabase)}`;
  return `<sub>${by}database of ${aged(database)}${java}</sub>`;
}

function aged({ ageMs, updatedAt }: NonNullable<ScanSummary["database"]>): string {
  const age = ageMs < 3_600_000 ? formatDuration(ageMs) : `${Math.round(ageMs / 3_600_000)} h`;
  return `${prose(updatedAt)}, ${age} old`;
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join("\n");
}

function outside(text: string): string {
  return prose(truncate(text, 300));
}
