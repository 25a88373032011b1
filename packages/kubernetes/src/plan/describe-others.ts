import { titleOf } from "../kubernetes-object.ts";
import { isTouched, type PlanContents } from "../plan-detail.ts";

/**
 * One line per object that is changed and makes no pods: a Service, a NetworkPolicy. Workloads have their own lines, also one
 * that makes place for another of the same service.
 */
export function describeOthers({ objects, prune }: Pick<PlanContents, "objects" | "prune">): readonly string[] {
  const changed = objects.filter((one) => one.desired.service === undefined && isTouched(one));
  const removed = prune.filter(({ service }) => service === undefined);
  return [
    ...changed.map(({ desired, preview: { action, differences } }) => {
      const details = action === "create" || differences.length === 0 ? "" : `: ${differences.join(", ")}`;
      return `${action} ${titleOf(desired)}${details}`;
    }),
    ...removed.map(({ key }) => `remove ${titleOf(key)}`),
  ];
}
