import type { ServiceJudgement } from "./judge-service.ts";
import type { Judgement } from "./judgement.ts";
import { describeUnrest } from "./unrest.ts";

/** Services, and instances of each, that are named. */
const NAMED = 3;

/**
 * What kept a way from its end until its time was over, beside what is still waited for: instances that came and went all the time,
 * so that all was right but not for long enough, and those of another revision that an engine waits for.
 */
export function lateReasons({ memory }: Judgement): readonly string[] {
  const found = [...memory.services].flatMap(([name, judged]) => reasonsOf(name, judged));
  return found.slice(0, NAMED);
}

function reasonsOf(name: string, { memory }: ServiceJudgement): readonly string[] {
  const { unrest, instances } = memory;
  const restless = describeUnrest(unrest);
  const unready = instances.list.filter((one) => one.current && one.facts === undefined && !one.ready);
  const titles = unready.slice(0, NAMED).map(({ instance }) => instance.title);
  const more = unready.length > NAMED ? ` and ${unready.length - NAMED} more` : "";
  return [
    ...(restless === undefined ? [] : [`${name}: after all its instances were there, ${restless}`]),
    ...(titles.length === 0
      ? []
      : [`${name}: not ready and of another revision, which may hold it up: ${titles.join(", ")}${more}`]),
  ];
}
