import { createReadStream } from "node:fs";
import { lstat, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import type { ImageFile, ImageFiles } from "./image-files.ts";

const NOT_THERE: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR", "ELOOP"]);

/** An image in a folder: an OCI image layout as `buildx build --output type=oci,tar=false` writes it. */
export class FolderFiles implements ImageFiles {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async find(name: string): Promise<ImageFile | undefined> {
    const parts = name.split("/");
    if (parts.some((part) => !/^[\w-][\w.-]*$/.test(part))) return undefined;
    try {
      const root = await realpath(this.#path);
      const path = await realpath(join(root, ...parts));
      // A link may lead to another file of the folder, as in an archive.
      const found = path.startsWith(join(root, sep)) ? await lstat(path) : undefined;
      return found?.isFile() ? { size: found.size, read: () => createReadStream(path) } : undefined;
    } catch (error) {
      if (NOT_THERE.has((error as NodeJS.ErrnoException).code)) return undefined;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
