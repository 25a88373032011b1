const NOTE = "\n\n_The rest was cut: there is no room for more here._";

/**
 * `markdown` in at most `limit` UTF-16 units, cut at the end of a line. A code block that was open is closed first, so
 * that what follows is not read as code. GitHub says "65536 characters"; UTF-16 units are never fewer than characters,
 * and 65,536 of them are less than the 262,144 bytes at which its storage ends, so this holds in every reading.
 */
export function cutMarkdown(markdown: string, limit: number): string {
  if (markdown.length <= limit) return markdown;
  for (let room = limit - NOTE.length; room > 0; room -= 200) {
    const end = markdown.lastIndexOf("\n", room);
    if (end < 0) break;
    const kept = closeFence(markdown.slice(0, end));
    if (kept.length + NOTE.length <= limit) return kept + NOTE;
  }
  return markdown.slice(0, Math.max(0, limit)).replace(/[\ud800-\udbff]$/, "");
}

function closeFence(markdown: string): string {
  let open: string | undefined;
  for (const line of markdown.split("\n")) {
    const ticks = /^(`{3,})(.*)$/.exec(line);
    if (ticks?.[1] === undefined) continue;
    if (open === undefined) open = ticks[1];
    else if (ticks[1].length >= open.length && ticks[2] === "") open = undefined;
  }
  return open === undefined ? markdown : `${markdown}\n${open}`;
}
