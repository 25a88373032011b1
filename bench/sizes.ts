import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseSync } from "oxc-parser";
import { ENTRIES } from "../scripts/bundle.ts";
import type { Figure } from "./measure.ts";

const DIST = resolve(import.meta.dirname, "../dist");

/** Sizes of what users download and of what each entry loads before it does anything. */
export async function sizes(): Promise<Figure[]> {
  const entries = Object.keys(ENTRIES).map(async (name): Promise<Figure> => {
    const files = await eagerFiles(join(DIST, `${name}.js`));
    return { what: `eager bundle of ${name}`, value: await kilobytes([...files]), unit: "kB", limit: 250 };
  });
  const all = await readdir(DIST, { recursive: true, withFileTypes: true });
  const files = all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return [
    ...(await Promise.all(entries)),
    { what: "all of dist", value: await kilobytes(files), unit: "kB", limit: 6_000 },
  ];
}

async function kilobytes(files: readonly string[]): Promise<number> {
  const stats = await Promise.all(files.map((file) => stat(file)));
  return Math.round(stats.reduce((sum, one) => sum + one.size, 0) / 1_000);
}

/** An entry and every chunk that it imports statically. */
export async function eagerFiles(file: string, seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const { module } = parseSync(file, await readFile(file, "utf8"));
  const sources = [...module.staticImports.map((one) => one.moduleRequest.value), ...exportSources(module)];
  for (const source of sources.filter((one) => one.startsWith(".")))
    await eagerFiles(join(dirname(file), source), seen);
  return seen;
}

function exportSources(module: ReturnType<typeof parseSync>["module"]): string[] {
  return module.staticExports.flatMap((one) => one.entries.flatMap((entry) => entry.moduleRequest?.value ?? []));
}
