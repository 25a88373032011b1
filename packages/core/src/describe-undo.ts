import type { ServiceChange } from "./target.ts";

/** How a change is undone when the release fails, for people. `undefined` when nothing is changed. */
export function describeUndo({ action, goal, from }: ServiceChange): string | undefined {
  if (action === "unchanged") return undefined;
  if (from === undefined) return "is removed again, its volumes stay";
  if (goal === "complete") return "what it did stays done; its old definition comes back";
  const back = `comes back as revision ${from.revision.slice(0, 12)}, in the whole`;
  if (action === "remove") return `${back}, with ${from.instances} running`;
  return action === "recreate" ? `${back}; nothing serves until it is up again` : back;
}
