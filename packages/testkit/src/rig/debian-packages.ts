import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { BelayError } from "@belay/core";
import { cacheFolder } from "./cache-folder.ts";
import { findProgram, programFolders } from "./find-program.ts";
import { hasCode } from "./has-code.ts";
import { run } from "./run.ts";
import { withLock } from "./with-lock.ts";

const LISTS = "/var/lib/apt/lists";
const DEADLINE_MS = 10 * 60_000;

/** Installs packages with apt-get. Throws `TOOL_MISSING` with the command to run when this user or system can't. */
export async function installDebianPackages(packages: readonly string[]): Promise<void> {
  const apt = await findProgram("apt-get", programFolders());
  const command = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  if (apt === undefined)
    throw missing(packages, "this system is not Debian or Ubuntu", "Install what they hold by other means.");
  if (process.getuid?.() !== 0) throw missing(packages, "this user is not root", `Run \`sudo ${command}\` once.`);
  await withLock(join(await cacheFolder("locks"), "apt"), async () => {
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    const options = ["-o", "DPkg::Lock::Timeout=300"];
    const doing = `installing ${packages.join(", ")}`;
    if (await listsAreMissing()) await run(apt, [...options, "update"], { env, doing, deadlineMs: DEADLINE_MS });
    const install = [...options, "install", "-y", "--no-install-recommends", ...packages];
    await run(apt, install, {
      env,
      doing,
      deadlineMs: DEADLINE_MS,
      failure: "TOOL_MISSING",
      next: "Run `apt-get update`?",
    });
  });
}

function missing(packages: readonly string[], why: string, next: string): BelayError {
  const got = `these Debian packages are needed: ${packages.join(", ")}, and ${why}`;
  return new BelayError("TOOL_MISSING", { doing: "preparing the test rigs", got, next });
}

async function listsAreMissing(): Promise<boolean> {
  try {
    return !(await readdir(LISTS)).some((name) => name.includes("_Packages"));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return true;
    throw error;
  }
}
