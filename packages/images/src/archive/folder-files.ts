import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { ImageFile, ImageFiles } from "./image-files.ts";

/** An image in a folder: an OCI image layout as `buildx build --output type=oci,tar=false` writes it. */
export class FolderFiles implements ImageFiles {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async find(name: string): Promise<ImageFile | undefined> {
    const parts = name.split("/");
    if (parts.some((part) => !/^[\w-][\w.-]*$/.test(part))) return undefined;
    const path = join(this.#path, ...parts);
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
      throw error;
    });
    return found?.isFile() ? { size: found.size, read: () => createReadStream(path) } : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
