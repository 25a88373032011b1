import { resolve } from "node:path";
import type { Path } from "./config-source.ts";
import type { Resolution } from "./resolution.ts";
import type { SignatureRequirement } from "./settings.ts";
import type { SignatureData } from "./signature-schema.ts";

export interface SignatureSources {
  readonly resolution: Resolution;
  readonly path: Path;
  readonly directory: string;
  readonly data: SignatureData | undefined;
  /** The input of the same name: the path of a key. */
  readonly given: string | undefined;
}

/** Who has to have signed the images of an environment. An input wins over the file. */
export function resolveSignature(sources: SignatureSources): SignatureRequirement | undefined {
  const { resolution, path, directory, data, given } = sources;
  const written = resolution.fill(data, path)?.key;
  const key = resolution.text("require-signature", given, "path", [...path, "key"], written);
  return key === undefined ? undefined : { keyFile: resolve(directory, key) };
}
