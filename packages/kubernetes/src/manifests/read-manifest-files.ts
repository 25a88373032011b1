import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join, relative } from "node:path";
import { messageOf } from "@belay/core";
import type { ManifestText } from "./manifest.ts";
import { manifestError } from "./manifest-error.ts";

/** Names by which kustomize knows a folder of its own (kustomize, "kustomization file"). */
const KUSTOMIZATIONS = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
const EXTENSIONS = [".yaml", ".yml", ".json"];
const DOING = "reading the manifests";

export interface ManifestFiles {
  /** Absolute paths of files and folders, in the user's order. */
  readonly files: readonly string[];
  /** What the titles are relative to. */
  readonly directory: string;
  /** Renders a folder with a kustomization. */
  readonly kustomize: (folder: string, title: string) => Promise<string>;
}

/**
 * The texts of the user's manifests. A folder counts as `kubectl apply -f` would have it: its own YAML and JSON files by
 * name, not those of folders in it; with a kustomization in it, what kustomize makes of it.
 * @throws BelayError CONFIG_INVALID for what is not there or empty, and what `kustomize` throws.
 */
export async function readManifestFiles(options: ManifestFiles): Promise<readonly ManifestText[]> {
  const read = await Promise.all(options.files.map((path) => readPath(path, options)));
  return read.flat();
}

async function readPath(path: string, options: ManifestFiles): Promise<readonly ManifestText[]> {
  const title = relative(options.directory, path) || ".";
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    (error: unknown) => {
      throw manifestError(DOING, [`${title}: ${reasonOf(error)}`], "Correct `files` of the target.");
    },
  );
  if (!isFolder) return [await readText(path, title, KUSTOMIZATIONS.includes(path.split(/[\\/]/).at(-1) ?? ""))];
  const names = (await readdir(path)).sort();
  if (names.some((name) => KUSTOMIZATIONS.includes(name))) {
    return [{ title, text: await options.kustomize(path, title), fromKustomize: true }];
  }
  const own = names.filter((name) => EXTENSIONS.includes(extname(name)));
  if (own.length > 0) return Promise.all(own.map((name) => readText(join(path, name), join(title, name), false)));
  const got = `${title}: the folder has no file that ends with ${EXTENSIONS.join(", ")}, and no kustomization`;
  throw manifestError(DOING, [got], "Folders inside it don't count: name them, too.");
}

async function readText(path: string, title: string, isKustomization: boolean): Promise<ManifestText> {
  if (isKustomization) {
    throw manifestError(DOING, [`${title}: a kustomization is no manifest`], "Name its folder in `files` instead.");
  }
  return { title, text: await readFile(path, "utf8"), fromKustomize: false };
}

function reasonOf(error: unknown): string {
  const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
  return missing ? "there is no such file or folder" : messageOf(error);
}
