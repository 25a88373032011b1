/** One file of an image that somebody saved. */
export interface ImageFile {
  /** Bytes. */
  readonly size: number;
  /** All of it, from its begin. */
  read(): AsyncIterable<Uint8Array>;
}

/** The files of an image that somebody saved, by the names that its own documents give them. */
export interface ImageFiles extends AsyncDisposable {
  /** Nothing outside of the image is ever found. `undefined`: there is no such file. */
  find(name: string): Promise<ImageFile | undefined>;
}

/** Larger documents are read by no registry (distribution spec, "Pushing Manifests", asks for 4 MiB at least). */
const LARGEST_DOCUMENT = 16 * 1024 * 1024;

/** A small file as a whole. @throws Error when it is missing, or too large for a document */
export async function readDocument(files: ImageFiles, name: string): Promise<Buffer> {
  const file = await files.find(name);
  if (file === undefined) throw new Error(`there is no ${name} in it`);
  if (file.size > LARGEST_DOCUMENT) throw new Error(`${name} has ${file.size} bytes, more than ${LARGEST_DOCUMENT}`);
  const pieces: Uint8Array[] = [];
  for await (const piece of file.read()) pieces.push(piece);
  return Buffer.concat(pieces);
}
