import MarkdownIt from "markdown-it";
import { applyAutolinks } from "./autolinks.ts";
import { PAGE_STYLE } from "./page-style.ts";

export interface PageOptions {
  readonly title?: string;
  /** Default: what the reader's system prefers (light where it says nothing). */
  readonly theme?: "light" | "dark";
  /** Login in the comment's head. Default `github-actions`. */
  readonly author?: string;
}

/** A whole HTML page that shows `markdown` as a comment on GitHub would look. */
export function renderPage(markdown: string, options: PageOptions = {}): string {
  const title = escapeHtml(options.title ?? "A comment by Belay Deploy");
  const theme = options.theme === undefined ? "" : ` data-theme="${options.theme}"`;
  const author = escapeHtml(options.author ?? "github-actions");
  return `<!doctype html>
<html lang="en"${theme}><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>${PAGE_STYLE}</style></head>
<body><article class="comment"><header><b>${author}</b> <span class="bot">bot</span> commented</header>
<div class="body">${renderMarkdown(markdown)}</div></article></body></html>
`;
}

/** GitHub-flavoured Markdown as HTML, with alerts, mentions and issue numbers as GitHub makes them. */
export function renderMarkdown(markdown: string): string {
  const parser = new MarkdownIt({ html: true, linkify: true });
  // GitHub links https://…, www.… and addresses of mail, but no bare `name.example`.
  parser.linkify.set({ fuzzyLink: false });
  return renderDots(applyAutolinks(renderAlerts(parser.render(markdown))));
}

/** `> [!CAUTION]` as a coloured box. */
function renderAlerts(html: string): string {
  return html.replace(
    /<blockquote>\s*<p>\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]\s*([\s\S]*?)<\/blockquote>/g,
    (_all, kind: string, body: string) =>
      `<div class="alert alert-${kind.toLowerCase()}"><p class="alert-title">${kind.toLowerCase()}</p><p>${body}</div>`,
  );
}

/** The coloured dots as drawn circles: many a machine has no emoji font, and a picture must not show empty boxes. */
function renderDots(html: string): string {
  const colours = {
    "🟢": "#2da44e",
    "🔴": "#cf222e",
    "🟠": "#e36209",
    "🟡": "#d4a72c",
    "🔵": "#0969da",
    "⚪": "#8c959f",
  };
  return Object.entries(colours).reduce(
    (text, [dot, colour]) =>
      text.replaceAll(dot, `<span class="dot" style="background:${colour}" role="img" aria-label="${dot}"></span>`),
    html,
  );
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
