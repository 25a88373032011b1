/**
 * First line of our comment, which nobody sees: it tells the comment of one application from all others, and the plan for
 * an environment from what happened. Names are percent-encoded, so that none can end the HTML comment.
 */
export function commentMarker(application: string, planOf?: string): string {
  const plan = planOf === undefined ? "" : ` plan=${encodeURIComponent(planOf)}`;
  return `<!-- belay:comment application=${encodeURIComponent(application)}${plan} -->`;
}
