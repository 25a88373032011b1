import type { Redactor } from "@belay/core";
import type { ContainerInspect, Docker } from "@belay/docker";
import type { ComposeProject } from "./compose-project.ts";
import { type InjectedFile, type InjectedUse, usesToCopy } from "./injected-files.ts";

/**
 * On a container: which configs and secrets of the files were copied into it. The engine shows nothing of them. References
 * only, no text.
 */
export const FILES_LABEL = "dev.belay.files";

/** A config or secret that was copied into a container. */
export interface FileReference {
  readonly of: "configs" | "secrets";
  /** Its name in the compose files. */
  readonly source: string;
  /** Absolute path in the container. */
  readonly path: string;
  /** Whether its text may be kept: it is no secret, and no secret was in it when it was copied. */
  readonly open: boolean;
}

/** With its text as it was in the container, where that may be kept and could be read. */
export interface KeptFile extends FileReference, Pick<InjectedFile, "uid" | "gid" | "mode"> {
  readonly text?: string;
}

/** What a service's containers are labelled with. */
export function filesLabel(
  project: ComposeProject,
  name: string,
  env: Readonly<Record<string, string>>,
  redactor: Redactor,
): Readonly<Record<string, string>> {
  const references = usesToCopy(project, name, env).map((use) => referenceOf(use, redactor));
  return labelOf(references);
}

export function labelOf(references: readonly FileReference[]): Readonly<Record<string, string>> {
  return { [FILES_LABEL]: JSON.stringify(references) };
}

export function referenceOf({ of, source, file }: InjectedUse, redactor: Redactor): FileReference {
  const open = of === "configs" && redactor.redact(file.content) === file.content;
  return { of, source, path: file.path, open };
}

export function asReference({ of, source, path, open }: FileReference): FileReference {
  return { of, source, path, open };
}

/** `undefined` for a container that nobody labelled: what was copied into it is not known. */
export function referencesOf({ Config }: Pick<ContainerInspect, "Config">): readonly FileReference[] | undefined {
  const text = Config.Labels?.[FILES_LABEL];
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isReference) : undefined;
  } catch {
    // Anybody can write a label.
    return undefined;
  }
}

function isReference(value: unknown): value is FileReference {
  const { of, source, path, open } = (value ?? {}) as Partial<Record<keyof FileReference, unknown>>;
  const texts = typeof source === "string" && typeof path === "string" && path.startsWith("/");
  return texts && (of === "configs" || of === "secrets") && typeof open === "boolean";
}

/** More would not do in a record of the ledger. */
const LIMIT = 128 * 1024;

/** Reads what was copied into a container, for its snapshot: the texts of configs, and of secrets no more than their place. */
export async function keepFiles(docker: Docker, inspect: ContainerInspect): Promise<readonly KeptFile[] | undefined> {
  const references = referencesOf(inspect);
  if (references === undefined) return undefined;
  return Promise.all(references.map((one) => keepFile(docker, inspect.Id, one)));
}

async function keepFile(docker: Docker, id: string, reference: FileReference): Promise<KeptFile> {
  const read = await docker.containers.readFile(id, reference.path, LIMIT);
  if (read === undefined) return { ...reference, uid: 0, gid: 0, mode: 0o444 };
  const { bytes, ...owner } = read;
  return { ...reference, ...owner, ...(reference.open ? { text: Buffer.from(bytes).toString("utf8") } : {}) };
}

/** The files of then whose texts are known. */
export function textsOf(files: readonly KeptFile[]): InjectedFile[] {
  return files.flatMap(({ path, uid, gid, mode, text }) =>
    text === undefined ? [] : [{ path, uid, gid, mode, content: text }],
  );
}
