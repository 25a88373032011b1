import { dependencyOrder, type Finding } from "@belay/core";
import { orderServices } from "../stack/index.ts";
import type { PlannedService } from "./plan-detail.ts";

/** Label of a service that exists: names of services that must be right before it changes (`api, shop_db`). Its owner's. */
export const DEPENDS_ON = "dev.belay.depends-on";

export interface Ordered {
  /** Services after what they depend on. */
  readonly services: readonly PlannedService[];
  readonly findings: readonly Finding[];
}

/**
 * What the label {@link DEPENDS_ON} of services that exist says of their order, as `depends_on` does in a stack's files. A
 * circle is cut, and a name that is none of the release's may be somebody else's: both are told.
 */
export function inWrittenOrder(services: readonly PlannedService[]): Ordered {
  const findings: Finding[] = [];
  const names = new Map([...services.map((one) => [one.name, one.service] as const)]);
  for (const { service } of services) names.set(service, service);
  const written = services.map((one) => {
    const known = wordsOf(one).flatMap((word) => {
      const before = names.get(word);
      if (before === undefined) findings.push(unknown(one, word, services));
      return before ?? [];
    });
    return [one.service, known] as const;
  });
  const { waitsFor, circles } = orderServices(Object.fromEntries(written));
  if (circles.length > 0) findings.push(circle(circles));
  const ordered = services.map((one) => ({ ...one, dependsOn: waitsFor.get(one.service) ?? [] }));
  return { services: dependencyOrder(ordered), findings };
}

function wordsOf({ current }: PlannedService): readonly string[] {
  return (current?.Spec.Labels?.[DEPENDS_ON] ?? "").split(/[\s,]+/).filter((word) => word !== "");
}

function unknown({ service, name }: PlannedService, word: string, all: readonly PlannedService[]): Finding {
  const message = `${name} depends on ${word} (label \`${DEPENDS_ON}\`), which is no service of this release: it is left out of the order`;
  const others = all.filter((one) => one.service !== service).map((one) => one.service);
  const remedy = others.length === 0 ? {} : { remedy: `Name one of ${others.join(", ")}.` };
  return { level: "warn", check: "dependency_unknown", service, message, ...remedy };
}

function circle(circles: readonly string[]): Finding {
  const message = `the labels \`${DEPENDS_ON}\` lead in a circle (${circles.join(", ")}): those are left out of the order`;
  return { level: "warn", check: "depends_on_circle", message };
}
