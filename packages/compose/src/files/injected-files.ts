import { BelayError } from "@belay/core";
import { type ComposeFileDefinition, type ComposeFileUse, type ComposeProject, undouble } from "./compose-project.ts";

/** A file that is copied into a container before its start. */
export interface InjectedFile {
  /** Absolute path in the container. */
  readonly path: string;
  readonly content: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** Such a file, and where the compose files define it. */
export interface InjectedUse {
  readonly of: "configs" | "secrets";
  readonly source: string;
  readonly file: InjectedFile;
}

const FOLDERS = { configs: "/", secrets: "/run/secrets/" } as const;

/**
 * Compose copies configs with `content` and configs and secrets with `environment` when it *starts* a container (compose
 * v2.40, `injectSecrets`). Belay starts containers by the engine's API, so it copies them itself.
 * @throws BelayError CONFIG_INVALID when the variable of such a file is not set.
 */
export function usesToCopy(
  project: ComposeProject,
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): InjectedUse[] {
  const service = project.services[name] ?? {};
  return (["configs", "secrets"] as const).flatMap((of) =>
    (service[of] ?? []).flatMap((use) => {
      const content = contentOf(use.source, project[of]?.[use.source], env);
      if (content === undefined || content === "") return [];
      return [{ of, source: use.source, file: fileOf(use, content, FOLDERS[of]) }];
    }),
  );
}

export function filesToCopy(...given: Parameters<typeof usesToCopy>): InjectedFile[] {
  return usesToCopy(...given).map(({ file }) => file);
}

/** Whether compose copies it in; files are mounted. */
export function isCopied(definition: ComposeFileDefinition | undefined): boolean {
  return (definition?.content ?? definition?.environment) !== undefined;
}

function contentOf(
  source: string,
  definition: ComposeFileDefinition | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (definition?.content !== undefined) return undouble([definition.content])[0];
  if (definition?.environment === undefined) return undefined;
  const value = env[definition.environment] ?? process.env[definition.environment];
  if (value !== undefined) return value;
  throw new BelayError("CONFIG_INVALID", {
    doing: `reading the config or secret ${source} of the compose files`,
    got: `its variable ${definition.environment} is not set`,
    next: "Set it under `variables` or `secrets` of the environment in belay.yaml.",
  });
}

function fileOf(use: ComposeFileUse, content: string, folder: string): InjectedFile {
  const target = use.target ?? use.source;
  return {
    path: target.startsWith("/") ? target : `${folder}${target}`,
    content,
    uid: Number(use.uid ?? 0),
    gid: Number(use.gid ?? 0),
    mode: typeof use.mode === "number" ? use.mode : Number.parseInt(use.mode ?? "444", 8),
  };
}

const BLOCK = 512;

/** A tar archive (POSIX ustar) of the files, for the root of a container. */
export function packFiles(files: readonly InjectedFile[]): Uint8Array {
  const parts = files.flatMap((file) => {
    const body = Buffer.from(file.content, "utf8");
    const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK);
    return [header(file, body.length), body, padding];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function header(file: InjectedFile, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, "0")}\0`;
  const path = file.path.replace(/^\//, "");
  const cut = path.length > 100 ? path.indexOf("/", path.length - 101) : -1;
  block.write(path.slice(cut + 1), 0, 100);
  block.write(octal(file.mode, 8), 100);
  block.write(octal(file.uid, 8), 108);
  block.write(octal(file.gid, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write("        0", 148);
  block.write("ustar\x0000", 257);
  if (cut > 0) block.write(path.slice(0, cut), 345, 155);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
