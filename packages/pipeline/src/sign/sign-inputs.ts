import type { Inputs } from "@belay/core";
import { isLoopback } from "@belay/registry";
import { loadPushInputs, type PushInputs } from "../run/use-case-inputs.ts";
import type { SigstoreAddresses } from "./signature-maker.ts";

export interface SignInputs extends PushInputs {
  /** Of a Sigstore of one's own. */
  readonly sigstore: Partial<SigstoreAddresses>;
  /** Whether the whole pipeline signs, too. The step of its own always does. */
  readonly wanted: boolean;
}

/** @throws BelayError INVALID_INPUT */
export function loadSignInputs(inputs: Inputs): SignInputs {
  const [fulcioUrl, rekorUrl] = [urlOf(inputs, "fulcio-url"), urlOf(inputs, "rekor-url")];
  const sigstore = { ...(fulcioUrl && { fulcioUrl }), ...(rekorUrl && { rekorUrl }) };
  return { ...loadPushInputs(inputs), sigstore, wanted: inputs.boolean("sign") ?? false };
}

/** The token that says who signs goes there: never in clear, but to this machine. */
function urlOf(inputs: Inputs, name: string): string | undefined {
  const text = inputs.text(name);
  const wrong = text === undefined ? undefined : problemOf(text);
  if (wrong === undefined) return text;
  return inputs.refuse(name, wrong, "Write an address like https://fulcio.example.");
}

function problemOf(text: string): string | undefined {
  const shown = JSON.stringify(text);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return `it is no address of the web: ${shown}`;
  if (url.username !== "" || url.password !== "") return "it holds credentials";
  return url.protocol === "https:" || isLoopback(url.hostname) ? undefined : `it has no TLS: ${shown}`;
}
