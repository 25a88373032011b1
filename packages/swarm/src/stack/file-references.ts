import { BelayError } from "@belay/core";
import type { ConfigReference, SecretReference } from "@belay/docker";
import type { FileKind, FileObject } from "./file-object.ts";
import type { StackFileUse, StackService } from "./stack-document.ts";

const READABLE = 0o444;

export interface FileReferences {
  readonly configs: readonly ConfigReference[];
  readonly secrets: readonly SecretReference[];
}

/**
 * What a service uses, by the names on the engine and without ids, in the order in which `docker stack deploy` sends them.
 * @throws BelayError CONFIG_INVALID when the files don't define one.
 */
export function fileReferences(service: StackService, key: string, objects: readonly FileObject[]): FileReferences {
  const nameOf = (kind: FileKind, source: string): string => {
    const found = objects.find((object) => object.kind === kind && object.key === source);
    if (found !== undefined) return found.name;
    const doing = `translating the ${kind}s of the service ${key}`;
    throw new BelayError("CONFIG_INVALID", { doing, got: `the files define no ${kind} ${source}` });
  };
  const configs = (service.configs ?? []).map((use) => ({
    File: target(use),
    ConfigID: "",
    ConfigName: nameOf("config", use.source ?? ""),
  }));
  const secrets = (service.secrets ?? []).map((use) => ({
    File: target(use),
    SecretID: "",
    SecretName: nameOf("secret", use.source ?? ""),
  }));
  const runtime = service.credential_spec?.config;
  const used = runtime ? [{ Runtime: {}, ConfigID: "", ConfigName: nameOf("config", runtime) }] : [];
  return {
    configs: [...configs, ...used].sort((a, b) => order(a.ConfigName, b.ConfigName)),
    secrets: secrets.sort((a, b) => order(a.SecretName, b.SecretName)),
  };
}

function target(use: StackFileUse) {
  return {
    Name: use.target || (use.source ?? ""),
    UID: use.uid || "0",
    GID: use.gid || "0",
    Mode: use.mode ?? READABLE,
  };
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
