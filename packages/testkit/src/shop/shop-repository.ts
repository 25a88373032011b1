import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createRunner, Redactor, type Runner } from "@belay/core";

/** A git repository with the example shop in it. */
export interface ShopRepository {
  readonly folder: string;
  /** Replaces text in a file and commits that. @returns the commit's SHA. */
  commit(title: string, file: string, replace: readonly [from: string, to: string]): Promise<string>;
  head(): Promise<string>;
}

const EXAMPLES = resolve(import.meta.dirname, "../../../../examples");
const AUTHOR = { name: "Ada Lovelace", mail: "ada@example.org" };

/**
 * Copies a folder of `examples/` into `folder`, with the shop's application, and makes the first commit. `origin` is what the
 * repository is called on GitHub.
 */
export async function makeShopRepository(
  folder: string,
  origin: string,
  example: "shop" | "swarm" = "shop",
): Promise<ShopRepository> {
  const runner: Runner = createRunner(new Redactor());
  const git = async (...args: string[]): Promise<string> =>
    (await runner("git", ["-C", folder, ...args], { env: identity() })).stdout.trim();
  await mkdir(folder, { recursive: true });
  await cp(join(EXAMPLES, example), folder, { recursive: true });
  await cp(join(EXAMPLES, "shop/web"), join(folder, "web"), { recursive: true });
  await git("init", "--quiet", "--initial-branch", "main");
  await git("remote", "add", "origin", origin);
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "Open the shop");
  return {
    folder,
    head: () => git("rev-parse", "HEAD"),
    commit: async (title, file, [from, to]) => {
      const path = join(folder, file);
      const before = await readFile(path, "utf8");
      if (!before.includes(from)) throw new Error(`${file} does not contain ${JSON.stringify(from)}`);
      await writeFile(path, before.replace(from, to));
      await git("commit", "--quiet", "--all", "--message", title);
      return git("rev-parse", "HEAD");
    },
  };
}

function identity(): Record<string, string> {
  const { name, mail } = AUTHOR;
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: mail, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: mail };
}
