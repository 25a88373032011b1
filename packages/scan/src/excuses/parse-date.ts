/** `2026-03-31` or with a time of day (RFC 3339): milliseconds since 1970, a day's beginning in UTC. */
export function parseDate(text: string): number | undefined {
  const form = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2}))?$/;
  if (!form.test(text)) return undefined;
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds)) return undefined;
  // JavaScript takes 2026-02-30 for the second of March.
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  return day.toISOString().startsWith(text.slice(0, 10)) ? milliseconds : undefined;
}
