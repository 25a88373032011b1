import { rmSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
  /** Removes it with all that is in it. Twice is fine. */
  remove(): Promise<void>;
}

const left = new Set<string>();

/** What nobody removed goes with this process. */
function removeLeft(): void {
  for (const path of left) rmSync(path, { recursive: true, force: true });
}

/** A new, empty folder. `await using` removes it at the end of the block. */
export async function temporaryFolder(prefix = "belay"): Promise<TemporaryFolder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), `${prefix}-`)));
  if (!process.listeners("exit").includes(removeLeft)) process.on("exit", removeLeft);
  left.add(path);
  const remove = async (): Promise<void> => {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
    left.delete(path);
  };
  return { path, remove, [Symbol.asyncDispose]: remove };
}
