/** Values shorter than this would hide ordinary words, and are no secrets. */
const SHORTEST = 4;
export const MASK = "***";

/**
 * Knows every secret that this process resolved and takes it out of text, in each form in which it may come back:
 * as it is, base64 (at each of the three alignments), URL-encoded, JSON-escaped, and line by line.
 */
export class Redactor {
  readonly #forms = new Set<string>();
  #ordered: readonly string[] | undefined;

  /** Remembers a secret. Empty and very short values are ignored. */
  add(secret: string): void {
    const parts = [secret, secret.trim(), ...secret.split(/\r?\n/)];
    for (const part of parts.filter((text) => text.length >= SHORTEST)) {
      for (const form of formsOf(part)) this.#forms.add(form);
    }
    this.#ordered = undefined;
  }

  /** `text` with each known secret replaced by `***`. */
  redact(text: string): string {
    // Longest first, so that a secret which contains another one disappears as a whole.
    this.#ordered ??= [...this.#forms].sort((a, b) => b.length - a.length);
    let result = text;
    for (const form of this.#ordered) {
      if (result.includes(form)) result = result.replaceAll(form, MASK);
    }
    return result;
  }
}

function formsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const url = encodeURIComponent(secret);
  const form = new URLSearchParams([["", secret]]).toString().slice(1);
  return [secret, json, url, form, ...base64Forms(secret)].filter((text) => text.length >= SHORTEST);
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
