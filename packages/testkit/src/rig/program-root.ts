import { copyFile, mkdir, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "./run.ts";

/** A program with the libraries that it names, at the paths where its loader looks for them. */
export async function programRoot(root: string, program: string, path: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await copyFile(await realpath(program), join(root, path));
  // 1: a static program, as Debian's busybox-static is.
  const { stdout } = await run("ldd", [program], { allowedExitCodes: [0, 1] });
  const libraries = new Set([...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1] ?? ""));
  for (const library of libraries) {
    const copy = join(root, library);
    await mkdir(dirname(copy), { recursive: true });
    await copyFile(await realpath(library), copy);
  }
}
