import { renderMarkdown } from "@belay/testkit";

/** What GitHub would make of the hostile values' Markdown and HTML, if any of it was not only shown. */
export function liveMarkdown(markdown: string): string[] {
  const html = renderMarkdown(markdown);
  const alive =
    /<img|<script|<b>[^<]*octocat|href="(?:https?:)?\/\/(?:www\.)?evil\.|user-mention|issue-link|<td>\s*broken\s*<\/td>/;
  const found = alive.exec(html);
  const live = found === null ? [] : [`live Markdown: ${html.slice(Math.max(0, found.index - 80), found.index + 120)}`];
  return [...live, ...unbalanced(html)];
}

/** A section that ends before it begins, or never: somebody else ended one. */
function unbalanced(html: string): string[] {
  let depth = 0;
  for (const [tag] of html.matchAll(/<\/?details\b/g)) {
    depth += tag.startsWith("</") ? -1 : 1;
    if (depth < 0) break;
  }
  return depth === 0 ? [] : ["a section is ended by somebody else"];
}
