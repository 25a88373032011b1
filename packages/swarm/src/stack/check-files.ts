import type { Finding } from "@belay/core";
import { type CallOptions, isNotFound, type SwarmFile } from "@belay/docker";
import type { FileObject } from "./file-object.ts";
import { type Client, filesOf, sameContent } from "./stack-resources.ts";

export interface CheckedFiles {
  /** What is not there yet. */
  readonly create: readonly FileObject[];
  readonly findings: readonly Finding[];
}

/** Which configs and secrets are on the engine, and whether external ones are. */
export async function checkFiles(
  docker: Client,
  objects: readonly FileObject[],
  options: CallOptions,
): Promise<CheckedFiles> {
  const checked = await Promise.all(
    objects.map(async (object) => ({ object, there: await find(docker, object, options) })),
  );
  return {
    create: checked.flatMap(({ object, there }) => (there === undefined && object.body !== undefined ? [object] : [])),
    findings: checked.flatMap(({ object, there }) => findingOf(object, there) ?? []),
  };
}

async function find(docker: Client, { kind, name }: FileObject, options: CallOptions): Promise<SwarmFile | undefined> {
  try {
    return await filesOf(docker, kind).inspect(name, options);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function findingOf({ kind, name, body }: FileObject, there: SwarmFile | undefined): Finding | undefined {
  if (body === undefined) {
    if (there !== undefined) return undefined;
    const message = `the external ${kind} ${name} does not exist`;
    const remedy = `Create it: docker ${kind} create ${name} FILE`;
    return { level: "refuse", check: `${kind}_missing`, message, remedy };
  }
  if (there === undefined || sameContent(there, body.Data)) return undefined;
  const message = `there is a ${kind} ${name} already with another content, and it can't be changed`;
  return { level: "refuse", check: `${kind}_taken`, message, remedy: `Remove it: docker ${kind} rm ${name}` };
}
