import { spawn } from "node:child_process";

export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: "ms" | "kB" | "s" | "%" | "MB" | "requests lost" | "requests" | "streams" | "×";
  /** What must be reached; none for figures that are only shown. */
  readonly limit?: number;
  /** The same with what people use today. */
  readonly today?: { readonly tool: string; readonly value: number };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1] ?? Number.NaN, sorted[middle] ?? Number.NaN];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** Milliseconds that a program takes from its start to its end; its output is thrown away. */
export function timeProgram(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: "ignore" });
    child.once("error", reject);
    child.once("exit", () => resolve(performance.now() - begun));
  });
}

/** Median of `times` runs, after one that warms the file system's cache. */
export async function medianOf(times: number, run: () => Promise<number>): Promise<number> {
  await run();
  const values: number[] = [];
  for (let count = 0; count < times; count++) values.push(await run());
  return median(values);
}

/** A figure as a line: what, value, limit, how many times better or worse than today. */
export function describeFigure(figure: Figure): string {
  const { what, value, unit, limit, today } = figure;
  const shown = (number: number): string =>
    Number.isInteger(number) ? String(number) : number.toFixed(number < 10 ? 2 : 1);
  const verdict =
    limit === undefined ? "" : value <= limit ? `  ok, at most ${shown(limit)}` : `  TOO MUCH, at most ${shown(limit)}`;
  const ratio =
    today === undefined
      ? ""
      : `  (${today.tool}: ${shown(today.value)}, ratio ${(value / Math.max(today.value, 0.001)).toFixed(2)})`;
  return `${what.padEnd(64)} ${shown(value).padStart(8)} ${unit}${verdict}${ratio}`;
}

export function reached(figure: Figure): boolean {
  return figure.limit === undefined || figure.value <= figure.limit;
}
