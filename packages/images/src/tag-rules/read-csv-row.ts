/** The fields of one row of comma-separated values; quotes keep a comma inside a field (RFC 4180). */
export function readCsvRow(row: string): string[] {
  const fields = row.matchAll(/(?:^|,)(?:\s*"((?:[^"]|"")*)"\s*(?=,|$)|([^,]*))/g);
  return [...fields]
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "")
    .filter((field) => field !== "");
}
