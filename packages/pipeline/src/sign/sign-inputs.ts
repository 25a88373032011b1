import type { Inputs } from "@belay/core";
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

function urlOf(inputs: Inputs, name: string): string | undefined {
  const text = inputs.text(name);
  if (text === undefined || /^https?:\/\/[^\s/@]+/.test(text)) return text;
  return inputs.refuse(name, `its value is ${JSON.stringify(text)}`, "Write an address like https://fulcio.example.");
}
