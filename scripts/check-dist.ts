/**
 * Fails when `dist/` is not exactly what the source gives: rebuilds it elsewhere and compares every file, so that
 * changed, missing and left-over files are all found, committed or not. Run with `npm run check-dist`.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bundle } from "./bundle.ts";

async function contents(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = files.map(
    async (file): Promise<[string, string]> => [file.slice(folder.length + 1), await readFile(file, "latin1")],
  );
  return new Map(await Promise.all(pairs));
}

/** What is wrong with `dist/`, one line per file; empty when nothing is. */
export async function compareDist(root: string): Promise<string[]> {
  const fresh = await mkdtemp(join(tmpdir(), "belay-dist-"));
  try {
    await bundle(root, fresh);
    const [wanted, found] = await Promise.all([contents(fresh), contents(join(root, "dist"))]);
    const missing = [...wanted.keys()].filter((name) => !found.has(name)).map((name) => `missing: dist/${name}`);
    const extra = [...found.keys()].filter((name) => !wanted.has(name)).map((name) => `left over: dist/${name}`);
    const changed = [...wanted].filter(([name, text]) => found.has(name) && found.get(name) !== text);
    return [...missing, ...extra, ...changed.map(([name]) => `different: dist/${name}`)];
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const problems = await compareDist(resolve(import.meta.dirname, ".."));
  if (problems.length > 0) {
    console.error(`dist/ is not what the source gives. Run \`npm run bundle\` and commit it.\n${problems.join("\n")}`);
    process.exitCode = 1;
  }
}
