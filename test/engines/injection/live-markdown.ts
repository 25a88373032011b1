import { renderMarkdown } from "@belay/testkit";

/** What GitHub would make of the hostile values' Markdown and HTML, if any of it was not only shown. */
export function liveMarkdown(markdown: string): string[] {
  const html = renderMarkdown(markdown);
  const alive = /<img|<script|<b>[^<]*octocat|href="(?:https?:)?\/\/(?:www\.)?evil\.|user-mention|issue-link/;
  const found = alive.exec(html);
  return found === null ? [] : [`live Markdown: ${html.slice(Math.max(0, found.index - 80), found.index + 120)}`];
}
