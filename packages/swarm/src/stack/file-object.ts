import { scryptSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import { BelayError, digestOf, messageOf, type Redactor, sha256 } from "@belay/core";
import type { SwarmFileBody } from "@belay/docker";
import { compact } from "./compact.ts";
import { STACK_LABEL, type StackFile, scopedName } from "./stack-document.ts";

export type FileKind = "config" | "secret";

/** A config or secret as it must be on the engine. */
export interface FileObject {
  readonly kind: FileKind;
  /** Key in the files. */
  readonly key: string;
  /** Name on the engine: of external ones as given, of others with the hash of what is in it. */
  readonly name: string;
  /** What to create; none for external ones. A secret's data is its value. */
  readonly body?: SwarmFileBody;
}

export interface FileSources {
  readonly stack: string;
  /** Variables for `environment:`. */
  readonly variables: Readonly<Record<string, string>>;
  readonly redactor: Redactor;
}

/** A name on a swarm has 64 characters at most (moby/swarmkit, `manager/controlapi/common.go`). */
const LONGEST_NAME = 64;
const HASH_DIGITS = 12;

/**
 * Reads a config or secret of the files. What is in it is part of its name, because it can't change in place, and because
 * a release that is gone back to must find what it had.
 * @throws BelayError CONFIG_INVALID when its file or variable is missing.
 */
export async function readFileObject(
  kind: FileKind,
  key: string,
  file: StackFile,
  sources: FileSources,
): Promise<FileObject> {
  const { stack, redactor } = sources;
  const base = scopedName(stack, key, file.name);
  if (file.external) return { kind, key, name: base };
  const Data = file.driver ? new Uint8Array() : await dataOf(kind, key, file, sources);
  if (kind === "secret") redactor.add(new TextDecoder().decode(Data));
  const rest = compact({
    Labels: { ...file.labels, [STACK_LABEL]: stack },
    Templating: file.template_driver ? { Name: file.template_driver } : undefined,
    Driver: file.driver ? compact({ Name: file.driver, Options: file.driver_opts }) : undefined,
  });
  const hash = kind === "secret" ? secretHash(base, Data, rest) : sha256(Buffer.concat([digest(rest), Data])).slice(7);
  const name = `${base.slice(0, LONGEST_NAME - HASH_DIGITS - 1)}_${hash.slice(0, HASH_DIGITS)}`;
  return { kind, key, name, body: { ...rest, Name: name, Data } };
}

function digest(value: object): Buffer {
  return Buffer.from(digestOf(value));
}

/**
 * Names are seen by more people than values: a hash that takes tens of milliseconds keeps them from finding a weak secret
 * by trying (RFC 7914; the salt is the secret's own name).
 */
function secretHash(name: string, data: Uint8Array, rest: object): string {
  return scryptSync(Buffer.concat([digest(rest), data]), `belay ${name}`, 16).toString("hex");
}

async function dataOf(kind: FileKind, key: string, file: StackFile, sources: FileSources): Promise<Uint8Array> {
  const doing = `reading the ${kind} ${key} of the stack ${sources.stack}`;
  const content = file["x-belay-content"];
  if (content !== undefined) return new TextEncoder().encode(content);
  const variable = file["x-belay-environment"];
  if (variable !== undefined) {
    const value = sources.variables[variable];
    if (value !== undefined) return new TextEncoder().encode(value);
    const next = "Set it under `variables` or `secrets` of the environment in belay.yaml.";
    throw new BelayError("CONFIG_INVALID", { doing, got: `the variable ${variable} is not set`, next });
  }
  try {
    return await readFile(file.file ?? "");
  } catch (error) {
    const got = `${file.file ?? "its file"} can't be read (${messageOf(error)})`;
    throw new BelayError("CONFIG_INVALID", { doing, got, next: "Check `file` in the stack's files.", cause: error });
  }
}
