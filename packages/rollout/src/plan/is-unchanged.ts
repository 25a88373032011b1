import type { Plan } from "@belay/core";

/** Whether what is planned runs already: then it is only looked at. */
export function isUnchanged({ services, others = [] }: Pick<Plan, "services" | "others">): boolean {
  return others.length === 0 && services.length > 0 && services.every((service) => service.action === "unchanged");
}
