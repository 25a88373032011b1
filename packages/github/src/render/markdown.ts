import { plainText } from "@belay/core";

/**
 * GitHub-flavoured Markdown in which outside text stays text. GitHub looks for mentions, issue numbers, addresses, emoji
 * and formulas in the *rendered* text, after backslashes and entities are gone, so these are broken with a zero-width
 * space; in code spans and fences none of them fires.
 */
const BREAK = "\u200b";

/** One line of outside text in running Markdown. */
export function prose(text: string): string {
  return defuseAutolinks(flat(text))
    .replace(/[\\`*_{}[\]()#+\-!|~=]/g, "\\$&")
    .replace(/^(\d+)([.)])/, "$1\\$2")
    .replace(/[&<>$]/g, entity);
}

/** One line of outside text inside raw HTML such as `<summary>`, where Markdown is not read. */
export function html(text: string): string {
  return defuseAutolinks(flat(text)).replace(/[&<>"'`*_[\]|~$\\]/g, entity);
}

function entity(character: string): string {
  return `&#${character.charCodeAt(0)};`;
}

/** `@name`, `#12`, `GH-12`, `https://`, `www.`, `:emoji:` with a zero-width space in them. */
function defuseAutolinks(text: string): string {
  return text
    .replace(/@/g, `${BREAK}@${BREAK}`)
    .replace(/#(?=\d)/g, `#${BREAK}`)
    .replace(/\b(gh-)(?=\d)/gi, `$1${BREAK}`)
    .replace(/:(?=[\w+/-])/g, `:${BREAK}`)
    .replace(/www\./gi, (match) => `${match.slice(0, 3)}${BREAK}.`)
    .replace(/\$/g, `$$${BREAK}`);
}

function flat(text: string): string {
  return plainText(text).replace(/\s+/g, " ").trim();
}

/** One line of outside text as a code span that it can't end (CommonMark 6.1). Empty text gives an empty string. */
export function code(text: string): string {
  const inner = flat(text);
  if (inner === "") return "";
  const ticks = "`".repeat(longestRun(inner) + 1);
  const pad = inner.startsWith("`") || inner.endsWith("`") ? " " : "";
  return `${ticks}${pad}${inner}${pad}${ticks}`;
}

/** Lines of outside text as a code block that they can't end: its fence is longer than any run of backticks inside. */
export function fence(lines: readonly string[], language = "text"): string {
  const inner = lines.map(plainText).join("\n");
  const ticks = "`".repeat(Math.max(3, longestRun(inner) + 1));
  return `${ticks}${language}\n${inner}\n${ticks}`;
}

function longestRun(text: string): number {
  // No spread: a long text can have more runs than a call takes arguments.
  return [...text.matchAll(/`+/g)].reduce((longest, [run]) => Math.max(longest, run.length), 0);
}

/**
 * A link whose text is Markdown already. An address that is not plain `http(s)` gives the text alone, so that no
 * outside address becomes `javascript:` or ends the link early.
 */
export function link(markdown: string, address: string | undefined): string {
  const safe = safeAddress(address);
  return safe === undefined ? markdown : `[${markdown}](${safe})`;
}

/** The address, encoded so that it stands in a link and in an HTML attribute; `undefined` when it is not `http(s)`. */
export function safeAddress(address: string | undefined): string | undefined {
  if (address === undefined || !URL.canParse(address)) return undefined;
  const url = new URL(address);
  if (url.protocol !== "https:" && url.protocol !== "http:") return undefined;
  if (url.username !== "" || url.password !== "") return undefined;
  return url.href.replace(
    /[()<>"'`|\\[\]*_]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A table; cells are Markdown. A pipe inside a cell is escaped here, in code spans too (GFM 4.10). */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function cell(markdown: string): string {
  return markdown.replace(/\n/g, " ").replace(/(?<!\\)((?:\\\\)*)\|/g, "$1\\|");
}

/** A section that can be folded. `title` is HTML, `body` Markdown. */
export function details(title: string, body: string, open = false): string {
  return `<details${open ? " open" : ""}><summary>${title}</summary>\n\n${body}\n\n</details>`;
}

/** Blocks with an empty line between them; empty ones are left out. */
export function blocks(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join("\n\n");
}
