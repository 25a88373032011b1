import { cp, mkdir, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "./cache-folder.ts";
import { ensureGo } from "./ensure-go.ts";
import { findProgram } from "./find-program.ts";
import { run } from "./run.ts";
import { withLock } from "./with-lock.ts";

export interface GoRecipe {
  /** Folder under `packages/testkit/rigs` with go.mod, go.sum and tools.go, and what go.mod replaces. */
  readonly rig: string;
  /** The main package. */
  readonly package: string;
  readonly ldflags: string;
  /** Experiments of Go that its source needs (`GOEXPERIMENT`). */
  readonly experiment?: string;
}

const RIGS = fileURLToPath(new URL("../../rigs/", import.meta.url));
/** Trivy takes eight minutes of two idle cores. */
const DEADLINE_MS = 40 * 60_000;

/**
 * Builds a program of locked modules (go.sum) and puts it at `target`. Only one process of the machine builds; those
 * that wait find the result. About two minutes on two cores when nothing is cached.
 * @throws BelayError TOOL_MISSING
 */
export async function buildWithGo(recipe: GoRecipe, target: string): Promise<void> {
  await withLock(join(await cacheFolder("locks"), recipe.rig), async () => {
    if ((await findProgram(target, [""])) !== undefined) return;
    const folder = await cacheFolder("build", recipe.rig);
    await cp(join(RIGS, recipe.rig), folder, { recursive: true });
    const go = await ensureGo(await wantedGo(folder));
    const made = join(folder, "program");
    const args = ["build", "-trimpath", "-buildvcs=false", "-ldflags", recipe.ldflags, "-o", made, recipe.package];
    const env = {
      CGO_ENABLED: "0",
      GOFLAGS: "-mod=readonly",
      GOTOOLCHAIN: "local",
      GOEXPERIMENT: recipe.experiment ?? "",
    };
    const name = basename(target);
    const doing = `building ${name} (packages/testkit/rigs/${recipe.rig})`;
    const next = `Go needs its modules: let it reach GOPROXY once, or put ${name} on the PATH or at ${target}.`;
    await run(go, args, { cwd: folder, env, doing, next, failure: "TOOL_MISSING", deadlineMs: DEADLINE_MS });
    await mkdir(join(target, ".."), { recursive: true });
    // Renamed when it is whole, so that nobody ever sees half a program.
    await rename(made, target);
    await rm(folder, { recursive: true, force: true });
  });
}

async function wantedGo(folder: string): Promise<string> {
  return /^go (\S+)/m.exec(await readFile(join(folder, "go.mod"), "utf8"))?.[1] ?? "1.26";
}
