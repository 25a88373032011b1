/**
 * First line of our comment, which nobody sees: it tells the comment of one application from all others.
 * The name is percent-encoded, so that it can't end the HTML comment.
 */
export function commentMarker(application: string): string {
  return `<!-- belay:comment application=${encodeURIComponent(application)} -->`;
}
