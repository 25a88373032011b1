import { DURATION_RULES, type DurationRule, durationProblem } from "./durations.ts";
import { showValue, suggest } from "./problem.ts";
import type { ProbeData } from "./schema.ts";

export interface ProbeProblem {
  /** Key of the probe that is to blame. */
  readonly key: string;
  readonly message: string;
}

const CHECKS = ["http", "tcp", "command"] as const;

/** The rules of one probe that its shape can't say. `services` are those of the application. */
export function probeProblems(probe: ProbeData, services: readonly string[]): ProbeProblem[] {
  return [
    ...checkProblems(probe),
    ...askerProblems(probe),
    ...serviceProblems(probe, services),
    ...timeProblems(probe),
  ];
}

function checkProblems(probe: ProbeData): ProbeProblem[] {
  const given = CHECKS.filter((key) => probe[key] !== undefined);
  if (given.length === 0) return [{ key: "http", message: "a probe asks nothing. Give it one of http, tcp, command." }];
  const [, second] = given;
  if (second !== undefined) {
    return [{ key: second, message: `a probe has ${given.join(" and ")}. Make one probe of each.` }];
  }
  if (probe.status === undefined || probe.http !== undefined) return [];
  return [{ key: "status", message: "`status` belongs to http probes only." }];
}

function askerProblems({ from, http, tcp, command }: ProbeData): ProbeProblem[] {
  if (command !== undefined && from !== undefined && from !== "instance") {
    const message = `a command runs inside each instance, not from the ${from}. Legal values of \`from\`: instance.`;
    return [{ key: "from", message }];
  }
  if (from === "instance") return [];
  const hostless = [http === undefined ? undefined : "http", tcp === undefined ? undefined : "tcp"].filter(
    (key) => key !== undefined && lacksHost(key === "http" ? http : tcp),
  );
  return hostless.map((key) => ({
    key: key ?? "http",
    message: `${showValue(key === "http" ? http : tcp)} names no host. Name one, or ask each instance with \`from: instance\`.`,
  }));
}

function lacksHost(address: string | undefined): boolean {
  return address !== undefined && /^(?:https?:\/\/)?(?::|[/?#]|$)/.test(address);
}

function serviceProblems(probe: ProbeData, services: readonly string[]): ProbeProblem[] {
  if (probe.service === undefined) {
    if (services.length === 1) return [];
    return [{ key: "service", message: `a probe names no service. Services: ${services.join(", ")}.` }];
  }
  if (services.includes(probe.service)) return [];
  const hint = suggest(probe.service, services, "Services");
  return [{ key: "service", message: `no service is called \`${probe.service}\`. ${hint}` }];
}

function timeProblems(probe: ProbeData): ProbeProblem[] {
  return Object.entries<DurationRule>(DURATION_RULES.health).flatMap(([key, rule]) => {
    const value = probe[key as keyof typeof DURATION_RULES.health];
    const wrong = value === undefined ? undefined : durationProblem(value, rule);
    return wrong === undefined ? [] : [{ key, message: `\`${key}\` is ${wrong}` }];
  });
}
