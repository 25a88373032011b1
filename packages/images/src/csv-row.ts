/**
 * One row of comma-separated values, as buildx reads what stands in `--output`, `--secret` and their like (Go's
 * `encoding/csv`): a comma or quote in a path stays part of the path.
 */
export function csvRow(...fields: readonly string[]): string {
  return fields.map((field) => (/[",\r\n]|^\s/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(",");
}
