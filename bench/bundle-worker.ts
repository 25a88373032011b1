import { mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { rolldown } from "rolldown";

const ROOT = resolve(import.meta.dirname, "..");

/**
 * Bundles a worker as `dist/` is bundled, so that its memory is that of what users run: Node's stripping of types alone
 * takes 50 MB. Returns the path of the bundle.
 */
export async function bundleWorker(source: string): Promise<string> {
  const dir = join(ROOT, "out/bench", basename(source, ".ts"));
  await mkdir(dir, { recursive: true });
  const build = await rolldown({
    cwd: ROOT,
    input: source,
    platform: "node",
    transform: { target: "node24" },
    onLog: () => {},
  });
  await build.write({
    dir,
    format: "esm",
    minify: true,
    entryFileNames: "worker.mjs",
    chunkFileNames: "[name]-[hash].mjs",
  });
  await build.close();
  return join(dir, "worker.mjs");
}
