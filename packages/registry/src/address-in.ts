import { oneLine } from "@belay/core";
import { RegistryError } from "./registry-error.ts";

/**
 * An address that an answer gives, relative to the one that answered. Outside text.
 * @throws RegistryError REGISTRY_ERROR when it is none, or not one of http(s)
 */
export function addressIn(doing: string, text: string, answered: URL): string {
  const url = URL.canParse(text, answered.href) ? new URL(text, answered) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url.href;
  const got = `${answered.host} gives ${JSON.stringify(oneLine(text))} as an address`;
  throw new RegistryError("REGISTRY_ERROR", { doing, got, next: "Ask the registry's operator." });
}
