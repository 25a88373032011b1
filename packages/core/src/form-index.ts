import { CUT } from "./text.ts";

/** A part of a text, `end` not included. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** Begins of so many characters are looked for: forms are at least as long. */
const BEGIN = 4;
const HASHES = 0x1_00_00;

/**
 * Finds any of many forms in one walk over a text. Each line of each log goes through it, and a private key alone is hundreds
 * of forms: asking for one after the other takes that many walks.
 */
export class FormIndex {
  /** By their first characters, longest first. */
  readonly #byBegin: ReadonlyMap<string, readonly string[]>;
  /** 1 where some form's begin has this hash. */
  readonly #hashes = new Uint8Array(HASHES);

  constructor(forms: Iterable<string>) {
    const longestFirst = [...forms].filter(({ length }) => length >= BEGIN).sort((a, b) => b.length - a.length);
    this.#byBegin = Map.groupBy(longestFirst, (form) => form.slice(0, BEGIN));
    for (const begin of this.#byBegin.keys()) {
      this.#hashes[hashOf(lowBytes(begin).readInt32BE())] = 1;
    }
  }

  /**
   * What of `text` is a form, and what of it is the begin of one that a cut ends ({@link CUT}), if at least {@link BEGIN}
   * characters of that are left. In order; those that overlap are one.
   */
  spansIn(text: string): readonly Span[] {
    const spans: Span[] = [];
    let last = 0;
    let cut = text.indexOf(CUT);
    const bytes = lowBytes(text);
    // Counted: going through an iterator takes five times as long.
    for (let start = 1 - BEGIN; start + BEGIN <= bytes.length; start++) {
      last = (last << 8) | (bytes[start + BEGIN - 1] as number);
      if (start < 0 || this.#hashes[hashOf(last)] === 0) continue;
      if (cut >= 0 && cut < start) cut = text.indexOf(CUT, start);
      const length = this.#lengthAt(text, start, cut < 0 ? 0 : cut - start);
      if (length > 0) addSpan(spans, { start, end: start + length });
    }
    return spans;
  }

  /** @param uncut Characters from `start` to the next cut; 0 when there is none. */
  #lengthAt(text: string, start: number, uncut: number): number {
    const forms = this.#byBegin.get(text.slice(start, start + BEGIN)) ?? [];
    const whole = forms.find((form) => text.startsWith(form, start))?.length ?? 0;
    const isBegun = (form: string): boolean => form.length > uncut && form.startsWith(text.slice(start, start + uncut));
    return uncut > whole && uncut >= BEGIN && forms.some(isBegun) ? uncut : whole;
  }
}

/** The lower byte of each character. Reading a text that was put together character by character may take far longer. */
function lowBytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** Knuth's multiplicative hash of four characters, 16 bits of it. */
function hashOf(four: number): number {
  return Math.imul(four, 0x9e_37_79_b1) >>> 16;
}

function addSpan(spans: Span[], span: Span): void {
  const last = spans.at(-1);
  if (last === undefined || span.start >= last.end) spans.push(span);
  else if (span.end > last.end) spans[spans.length - 1] = { start: last.start, end: span.end };
}
