import { TRIVY_ACTION_RULES, type TrivyActionRule } from "@belay/scan";
import { table } from "./markdown.ts";

const KINDS: Readonly<Record<TrivyActionRule["kind"], string>> = {
  same: "the same",
  forced: "always one value",
  derived: "made from the report",
  refused: "refused",
};

/** What becomes of each input of trivy-action, from the rules that check them. */
export function trivyInputsPart(): string {
  const rows = Object.entries(TRIVY_ACTION_RULES).map(([name, { kind, legal, why }]) => [
    `\`${name}\``,
    KINDS[kind],
    legal,
    why,
  ]);
  return `## The inputs of trivy-action\n\n${table(["input", "here", "legal", "why"], rows)}`;
}
