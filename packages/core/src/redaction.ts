import { FormIndex } from "./form-index.ts";
import { formsOf } from "./secret-forms.ts";
import { inOneLine, plainText } from "./text.ts";

/** Values shorter than this would hide ordinary words, and are no secrets. */
const SHORTEST = 4;
export const MASK = "***";
/** A line of YAML or JSON with a key and nothing else, such as `database:`: no secret, and a word of many logs. */
const BARE_KEY = /^\s*(["']?)[\w.-]+\1:\s*[[{|>]?$/;

/**
 * Knows every secret that this process resolved and takes it out of text, in each form in which it may come back:
 * as it is, base64 (at each of the three alignments), percent-encoded, JSON-escaped, and line by line. Also what `truncate`
 * has left of one, so that it is no matter whether a text is cut first or redacted first.
 */
export class Redactor {
  readonly #secrets = new Set<string>();
  readonly #forms = new Set<string>();
  #index: FormIndex | undefined;

  /** Remembers a secret; one that is known already costs nothing. Empty and very short values are ignored. */
  add(secret: string): void {
    if (this.#secrets.has(secret)) return;
    this.#secrets.add(secret);
    // Most text is made plain before it is told, and much is put into one line.
    const lines = secret.split(/\r?\n/).filter((line) => !BARE_KEY.test(line));
    const parts = new Set([secret, secret.trim(), plainText(secret), inOneLine(secret), ...lines]);
    for (const part of parts) {
      if (part.trim().length < SHORTEST) continue;
      for (const form of formsOf(part)) this.#forms.add(form);
    }
    this.#index = undefined;
  }

  /** `text` with each known secret replaced by `***`, in about the time of one walk over the text, however many there are. */
  redact(text: string): string {
    if (this.#forms.size === 0) return text;
    this.#index ??= new FormIndex(this.#forms);
    const parts: string[] = [];
    let from = 0;
    for (const { start, end } of this.#index.spansIn(text)) {
      parts.push(text.slice(from, start), MASK);
      from = end;
    }
    return parts.length === 0 ? text : parts.join("") + text.slice(from);
  }
}
