/**
 * What GitHub does with text after Markdown became HTML: mentions and issue numbers become links, except inside code,
 * links and preformatted blocks. Used to show a comment as people will see it, and to prove that outside text fires none.
 */
export function applyAutolinks(html: string): string {
  let inert = 0;
  return html
    .split(/(<[^>]*>)/)
    .map((piece) => {
      const tag = /^<(\/?)(code|pre|a)\b/i.exec(piece);
      if (tag !== null) inert += tag[1] === "/" ? -1 : 1;
      return piece.startsWith("<") || inert > 0 ? piece : linkText(piece);
    })
    .join("");
}

function linkText(text: string): string {
  return text
    .replace(/(^|[^\w@/;])@([a-z\d][a-z\d-]*(?:\/[\w-]+)?)/gi, '$1<a class="user-mention" href="#">@$2</a>')
    .replace(/(^|[^\w&;])(#|GH-)(\d+)\b/gi, '$1<a class="issue-link" href="#">$2$3</a>')
    .replace(/(^|[\s*_~(])(www\.[\w-]+(?:\.[\w-]+)+)/gi, '$1<a href="http://$2">$2</a>')
    .replace(/:(\+1|-1|[a-z_]+):/g, '<span class="emoji">:$1:</span>');
}
