import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "@belay/core";
import { ScanError } from "./could-not-scan.ts";

/** What says nothing of an image, and nothing of Belay: a disk, or a path that somebody gave. */
const OF_FOLDERS: Readonly<Record<string, string>> = {
  EACCES: "this user may not use it",
  EPERM: "this user may not use it",
  EROFS: "it can only be read",
  ENOSPC: "its disk is full",
  EDQUOT: "the quota of its disk is used up",
  EIO: "its disk is broken",
  ENOTDIR: "a part of that path is a file",
  EEXIST: "a file is in its place",
};

const NEXT = {
  cache: "Make room there, or name a folder that this user may write with `cache-dir`.",
  temporary: "Make room there, or name a folder that this user may write with TMPDIR.",
} as const;

/**
 * The error of a folder that can't be used, in the words of what to do about it.
 * @param folder which it is, or is in
 * @returns `undefined` for all other errors
 */
export function unusableFolder(
  error: unknown,
  { doing, folder, kind }: { readonly doing: string; readonly folder: string; readonly kind: keyof typeof NEXT },
): ScanError | undefined {
  const { code, syscall } = (error instanceof Error ? error : {}) as Partial<NodeJS.ErrnoException>;
  const words = OF_FOLDERS[code ?? ""];
  // A firewall says the same of a connection.
  if (words === undefined || syscall === "connect") return undefined;
  const got = `the folder ${folder} can't be used: ${words} (${messageOf(error)})`;
  return new ScanError("unusable_folder", { doing, got, next: NEXT[kind], cause: error });
}

/**
 * Runs what needs a folder for its own files, which is gone after that.
 * @throws ScanError `unusable_folder`; what `work` throws
 */
export async function inTemporaryFolder<T>(
  prefix: string,
  doing: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  try {
    const folder = await mkdtemp(join(tmpdir(), prefix));
    try {
      return await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } catch (error) {
    throw unusableFolder(error, { doing, folder: tmpdir(), kind: "temporary" }) ?? error;
  }
}
