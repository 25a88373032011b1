import type { ServiceSettings } from "@belay/config";
import type { Clock } from "@belay/core";
import type { TagRules } from "./image-tags.ts";
import type { TagEvent } from "./tag-rules/apply-tag-rules.ts";

/** docker/metadata-action's rules, where there are none but a flavor. */
const DEFAULT_RULES = ["type=schedule", "type=ref,event=branch", "type=ref,event=tag", "type=ref,event=pr"];

/** What a service's settings say of its tags, for `imageTags`; nothing when they leave Belay its own. */
export function tagRulesOf(
  { clock, event }: { readonly clock: Clock; readonly event?: TagEvent },
  name: string,
  { build }: ServiceSettings,
  warn: (message: string) => void,
): { readonly rules?: TagRules } {
  if (build?.tags === undefined && build?.flavor === undefined) return {};
  const { tags = DEFAULT_RULES, flavor = [] } = build;
  const doing = `reading services.${name}.build.tags`;
  return { rules: { tags, flavor, doing, warn, now: clock.date(), ...(event === undefined ? {} : { event }) } };
}
