/** A secret as it is, and as encoders write it: for JSON, for addresses and forms, and in base64. May hold one more than once. */
export function formsOf(secret: string): readonly string[] {
  return [secret, ...jsonForms(secret), ...percentForms(secret), ...base64Forms(secret)];
}

/** Go's encoder (logrus, kubectl, the Docker engine) also escapes what HTML would take for its own (encoding/json, `HTMLEscape`). */
function jsonForms(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  return [json, json.replace(/[<>&\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`)];
}

/** What encoders leave as it is, besides letters, digits and `-._~` (RFC 3986, 2.3). */
const KEPT = [
  "", // RFC 3986; Go's QueryEscape, Python's quote with safe=""
  "!'()*", // encodeURIComponent
  "$&+,;=", // Go's url.UserPassword (net/url, `shouldEscape`)
  "$&+=:@", // Go's PathEscape
  "/", // Python's quote
];

/** Also with the digits in lower case, and with `+` for a space as forms have it. */
function percentForms(secret: string): string[] {
  const form = new URLSearchParams([["", secret]]).toString().slice(1);
  const encoded = KEPT.map((kept) => percentEncoded(secret, kept));
  const all = [...encoded, form, percentEncoded(secret, " ").replaceAll(" ", "+")];
  return [...all, ...all.map((text) => text.replace(/%../g, (one) => one.toLowerCase()))];
}

function percentEncoded(text: string, kept: string): string {
  return text.replace(/[^\w.~-]/gu, (one) =>
    kept.includes(one) ? one : Buffer.from(one).toString("hex").toUpperCase().replace(/../g, "%$&"),
  );
}

/** What of base64 stays the same when the secret stands at offset 0, 1 or 2 of a longer text. */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret, "utf8");
  const forms: string[] = [bytes.toString("base64"), bytes.toString("base64url")];
  for (const offset of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    const first = offset === 0 ? 0 : offset + 1;
    const unstable = (offset + bytes.length) % 3;
    const last = encoded.replace(/=+$/, "").length - (unstable === 0 ? 0 : 1);
    const stable = encoded.slice(first, last);
    if (stable.length >= 6) forms.push(stable);
  }
  return forms;
}
