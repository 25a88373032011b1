import { parse } from "yaml";

/** Keys of a kubeconfig's user whose values let somebody in. */
const SECRET_KEYS = new Set(["token", "password", "client-key-data", "id-token", "refresh-token", "client-secret"]);

/**
 * Text of a kubeconfig that came as it is or in base64; `undefined` when it is neither. `onSecret` is told of each
 * credential in it, so that none of them can be shown apart from the whole.
 */
export function readKubeconfig(given: string, onSecret: (value: string) => void): string | undefined {
  const texts = [given, Buffer.from(given, "base64").toString("utf8")];
  const text = texts.find((one) => isKubeconfig(one));
  if (text !== undefined) tellSecrets(parse(text), onSecret);
  return text;
}

function isKubeconfig(text: string): boolean {
  try {
    const data: unknown = parse(text, { logLevel: "error" });
    return typeof data === "object" && data !== null && "clusters" in data && Array.isArray(data.clusters);
  } catch {
    return false;
  }
}

function tellSecrets(value: unknown, onSecret: (value: string) => void): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (SECRET_KEYS.has(key) && typeof inner === "string" && inner !== "") onSecret(inner);
    else tellSecrets(inner, onSecret);
  }
}
