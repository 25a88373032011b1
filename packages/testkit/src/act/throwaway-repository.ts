import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Who commits in the tests: a person of the past, so that no real one is named. */
export const AUTHOR = { name: "Ada Lovelace", email: "ada@example.org" };

export interface ThrowawayRepository {
  readonly folder: string;
  /** `acme/shop`: what `origin` names at GitHub. */
  readonly slug: string;
  /** Writes the files (paths from the root) and commits all. Resolves to the commit's SHA. */
  commit(title: string, files?: Readonly<Record<string, string>>): Promise<string>;
  /** Output of a git command in the repository. */
  git(...args: string[]): Promise<string>;
  remove(): Promise<void>;
}

/** A git repository in a folder of its own, on the branch `main`, that believes to come from GitHub. Nothing is committed yet. */
export async function createRepository(options: {
  readonly slug: string;
  /** A folder to start with a copy of. */
  readonly from?: string;
}): Promise<ThrowawayRepository> {
  const folder = await mkdtemp(join(tmpdir(), "belay-repository-"));
  if (options.from !== undefined) await cp(options.from, folder, { recursive: true });
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await run("git", args, { cwd: folder, env: gitEnvironment() });
    return stdout.trim();
  };
  await git("init", "--quiet", "--initial-branch=main");
  await git("remote", "add", "origin", `https://github.com/${options.slug}.git`);
  // A checkout asks for a commit by its SHA, as GitHub allows.
  await git("config", "uploadpack.allowAnySHA1InWant", "true");
  return {
    folder,
    slug: options.slug,
    git,
    commit: async (title, files = {}) => {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), text);
      }
      await git("add", "--all");
      await git("commit", "--quiet", "--allow-empty", "--message", title);
      return git("rev-parse", "HEAD");
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The developer's own git settings (signing, hooks, names) stay out. */
function gitEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: "/nonexistent",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: AUTHOR.name,
    GIT_AUTHOR_EMAIL: AUTHOR.email,
    GIT_COMMITTER_NAME: AUTHOR.name,
    GIT_COMMITTER_EMAIL: AUTHOR.email,
  };
}
