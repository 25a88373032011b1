/** How much of the bulky parts is shown. The renderer goes down until the text fits. */
export interface RenderLevel {
  readonly instances: number;
  readonly logLines: number;
  readonly events: number;
  readonly lineWidth: number;
  /** Rows of tables and lists. */
  readonly rows: number;
}

/** From everything to the bare minimum: evidence goes first, the headline, cause and tables of facts last. */
export const RENDER_LEVELS: readonly RenderLevel[] = [
  { instances: 12, logLines: 50, events: 20, lineWidth: 400, rows: 200 },
  { instances: 6, logLines: 20, events: 10, lineWidth: 300, rows: 100 },
  { instances: 3, logLines: 10, events: 5, lineWidth: 200, rows: 50 },
  { instances: 1, logLines: 5, events: 0, lineWidth: 120, rows: 20 },
  { instances: 0, logLines: 0, events: 0, lineWidth: 80, rows: 10 },
];

/** The first rows of a list, and a line that says how many were left out. */
export function firstRows<T>(all: readonly T[], most: number): { readonly shown: readonly T[]; readonly more: string } {
  const left = all.length - most;
  return { shown: all.slice(0, most), more: left > 0 ? `_and ${left} more_` : "" };
}
