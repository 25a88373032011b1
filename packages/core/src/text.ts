/** Pure functions on text that came from outside: it is data, whatever it looks like. */

/**
 * Terminal sequences (CSI and OSC, also with the one character that stands for ESC and the next), and control characters other
 * than tab and newline. Built from text: they can't be seen.
 */
const CONTROL = new RegExp(
  [
    String.raw`(?:\x1b\[|\x9b)[0-9;?]*[ -/]*[@-~]`,
    String.raw`(?:\x1b\]|\x9d)[^\x07\x1b\x9c\x9d]*(?:\x07|\x1b\\|\x9c)`,
    String.raw`[\x00-\x08\x0b-\x1f\x7f-\x9f]`,
  ].join("|"),
  "g",
);
/** Characters that reorder or hide text (Unicode TR 36): bidirectional controls and zero-width marks. */
const INVISIBLE = /[\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Text without terminal sequences, control characters and invisible direction marks. Newlines and tabs stay. */
export function plainText(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(CONTROL, "").replace(INVISIBLE, "");
}

/** The last `lines` lines, each cut at `width` characters. */
export function tail(text: string, lines: number, width = 400): string[] {
  const all = plainText(text).replace(/\n+$/, "").split("\n");
  return all.slice(-lines).map((line) => truncate(line, width));
}

/** Stands where {@link truncate} has cut. */
export const CUT = "…";

/** `text` in at most `length` characters, with an ellipsis where something was cut. */
export function truncate(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, Math.max(0, length - 1)).replace(/[\ud800-\udbff]$/, "")}${CUT}`;
}

/** All of it, with one space for each gap. */
export function inOneLine(text: string): string {
  return plainText(text).replace(/\s+/g, " ").trim();
}

/** `once`, `2 times`. */
export function howOften(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

/** One line of at most `length` characters. */
export function oneLine(text: string, length = 200): string {
  return truncate(inOneLine(text), length);
}
