import { access, constants } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { hasCode } from "./has-code.ts";

/** First executable file called `name` in `folders`. */
export async function findProgram(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch (error) {
      if (!hasCode(error, "ENOENT", "EACCES", "ENOTDIR")) throw error;
    }
  }
  return undefined;
}

/** PATH, and the folders of administrators' programs, which users often don't have on it. */
export function programFolders(): string[] {
  const own = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...own, "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];
}

/** Where the docker command line looks for its plugins (docker/cli, `cli-plugins/manager`). */
export function pluginFolders(): string[] {
  const config = process.env.DOCKER_CONFIG || join(homedir(), ".docker");
  const system = ["/usr/local/lib/docker", "/usr/local/libexec/docker", "/usr/lib/docker", "/usr/libexec/docker"];
  return [config, ...system].map((folder) => join(folder, "cli-plugins"));
}
