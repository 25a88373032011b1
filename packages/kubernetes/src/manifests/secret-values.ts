import { isUtf8 } from "node:buffer";
import type { KubernetesObject } from "../kubernetes-object.ts";

/** Shorter values of Secrets are names, ports and switches: without them a log could not be read. */
const SHORTEST = 8;

/**
 * What Secrets of the manifests hold, as text and as it stands in `data`, to be taken out of everything that is told: a Secret
 * often comes from sops or kustomize's `secretGenerator`, and nothing else knows what is in it. Secrets also hold users, hosts
 * and the name of the environment: what is a part of `open` or of the other objects is no secret, and is needed to read a log.
 */
export function secretValues(bodies: readonly KubernetesObject[], open: unknown): readonly string[] {
  const [secrets, others] = [bodies.filter(isSecret), bodies.filter((body) => !isSecret(body))];
  const said = textsIn([open, ...others, ...secrets.map(({ metadata }) => metadata)]).join("\n");
  // `stringData` is `data` by now, where it is well formed.
  return secrets
    .flatMap(({ data, stringData }) => [...textsIn(data).map(decoded), ...textsIn(stringData).map((text) => [text])])
    .filter(([text = ""]) => text.trim().length >= SHORTEST && !said.includes(text.trim()))
    .flat();
}

/** Bytes that are no text (a keystore) are never told as one; to look for them line by line takes seconds. */
function decoded(encoded: string): readonly string[] {
  const bytes = Buffer.from(encoded, "base64");
  return isUtf8(bytes) ? [bytes.toString("utf8"), encoded] : [encoded];
}

function isSecret({ kind }: KubernetesObject): boolean {
  return kind === "Secret";
}

/** Every text in a value; keys are none. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
