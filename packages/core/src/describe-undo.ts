import type { ServiceChange } from "./target.ts";

/**
 * How a change is undone when the release fails, for people. `undefined` when nothing is changed. `kept`: the policy leaves a
 * failed release where it is.
 */
export function describeUndo({ action, goal, from }: ServiceChange, kept = false): string | undefined {
  if (action === "unchanged") return undefined;
  if (kept) return "is left as it is then, as the policy says";
  if (from === undefined) return "is removed again, its volumes stay";
  if (goal === "complete") return "what it did stays done; its old definition comes back";
  const back = `comes back as revision ${from.revision.slice(0, 12)}, in the whole`;
  if (action === "remove") return `${back}, with ${from.instances} running`;
  return action === "recreate" ? `${back}; nothing serves until it is up again` : back;
}
