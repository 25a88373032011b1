import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, isDigest, sha256, shortDigest } from "@belay/core";

/**
 * Digest of a database's file. It has a gigabyte, so that the answer is kept in `memory` until the file is another one by
 * size or time.
 */
export async function databaseDigest(file: string, memory: string): Promise<Digest> {
  const { size, mtimeMs } = await stat(file);
  const name = shortDigest(sha256(JSON.stringify([file, size, mtimeMs])), 32);
  const place = join(memory, name);
  const known = await readFile(place, "utf8").catch(() => "");
  if (isDigest(known)) return known;
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  const digest: Digest = `sha256:${hash.digest("hex")}`;
  // Others may be at the same file, in this process, too.
  const unfinished = `${place}.${randomUUID()}`;
  try {
    await mkdir(memory, { recursive: true });
    await writeFile(unfinished, digest);
    await rename(unfinished, place);
  } catch {
    // A full disk forgets it, and nothing else: it is read again the next time.
    await rm(unfinished, { force: true }).catch(() => undefined);
  }
  return digest;
}
