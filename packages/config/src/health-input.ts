import type { Probe } from "@belay/core";
import { probeProblems } from "./check-probe.ts";
import type { ConfigSource, Path } from "./config-source.ts";
import { describeIssue } from "./describe-issue.ts";
import { makeProbe } from "./make-probe.ts";
import { type Problem, showValue, throwProblems } from "./problem.ts";
import { readYaml } from "./read-yaml.ts";
import { healthSchema, type ProbeData } from "./schema.ts";

/**
 * Probes of the input `health`: a YAML list as in belay.yaml, or one probe a line, in the order service, who asks,
 * address, settings, of which only the address is needed:
 *
 *     http://127.0.0.1:8080/healthz
 *     web instance http://:8080/healthz interval=2s status=200,204
 *     db runner tcp://127.0.0.1:5432 retries=5
 *
 * Empty lines and lines that begin with `#` don't count. Commands need the YAML form.
 * @throws BelayError INVALID_INPUT with every problem at once.
 */
export function parseHealthInput(text: string, services: readonly string[]): readonly Probe[] {
  const { probes, problems } = readHealthInput(text, services);
  throwProblems("reading the input `health`", problems);
  return probes;
}

/** The same without throwing, for a caller that collects problems. */
export function readHealthInput(text: string, services: readonly string[]) {
  const isYaml = /^\s*(?:#.*\n\s*)*(?:-\s|\[|-$)/.test(text);
  const { data, problems, lineOf } = isYaml ? fromYaml(text) : fromLines(text);
  const issues = data === undefined ? [] : (healthSchema.safeParse(data).error?.issues ?? []);
  const shape = issues.flatMap((issue) => describeIssue(issue, data));
  const found = [...problems, ...shape.map(({ path, message }) => problemAt(lineOf(path), message))];
  if (found.length > 0) return { probes: [], problems: found };
  const list = data as ProbeData[];
  const wrong = list.flatMap((probe, index) =>
    probeProblems(probe, services).map(({ key, message }) => problemAt(lineOf([index, key]), message)),
  );
  return { probes: wrong.length > 0 ? [] : list.map((probe) => makeProbe(probe, services[0])), problems: wrong };
}

interface HealthText {
  readonly data: unknown;
  readonly problems: readonly Problem[];
  readonly lineOf: (path: Path) => number;
}

function problemAt(line: number, message: string): Problem {
  return { message: `input \`health\`, line ${line}: ${message}` };
}

function fromYaml(text: string): HealthText {
  const { data, source, problems } = readYaml(text, "health");
  const lineOf = (path: Path): number => lineIn(source, path);
  return { data, problems: problems.map(({ line, message }) => problemAt(line ?? 1, message)), lineOf };
}

function lineIn(source: ConfigSource, path: Path): number {
  return source.problem(path, "").line ?? 1;
}

function fromLines(text: string): HealthText {
  const lines = text.split(/\r?\n/).map((line, index) => ({ line: line.trim(), number: index + 1 }));
  const used = lines.filter(({ line }) => line !== "" && !line.startsWith("#"));
  const read = used.map(({ line, number }) => ({ number, ...readLine(line) }));
  const problems = read.flatMap(({ number, wrong }) => (wrong === undefined ? [] : [problemAt(number, wrong)]));
  const good = read.filter(({ probe }) => probe !== undefined);
  const lineOf = ([index]: Path): number => good[Number(index)]?.number ?? 1;
  return { data: good.map(({ probe }) => probe), problems, lineOf };
}

const ADDRESS = /^(?:(?<http>https?:.*)|tcp:\/\/(?<tcp>.*))$/;
const ASKERS = ["runner", "target", "instance"];
const FORM = "Write it as `service from address`, such as `web instance http://:8080/healthz interval=2s`";

function readLine(line: string): { probe?: Record<string, unknown>; wrong?: string } {
  const words = line.split(/\s+/);
  const at = words.findIndex((word) => ADDRESS.test(word));
  const address = ADDRESS.exec(words[at] ?? "")?.groups;
  const before = words.slice(0, Math.max(at, 0));
  if (address === undefined || before.length > 2) {
    return { wrong: `${showValue(line)} is no probe. ${FORM}; the address begins with http://, https:// or tcp://.` };
  }
  const [first, second] = before;
  const onlyAsker = second === undefined && first !== undefined && ASKERS.includes(first);
  const [service, from] = onlyAsker ? [undefined, first] : [first, second];
  const settings = readSettings(words.slice(at + 1));
  if (typeof settings === "string") return { wrong: `${settings} ${FORM}.` };
  const { http, tcp } = address;
  const probe = { service, from, http, tcp, ...settings };
  return { probe: Object.fromEntries(Object.entries(probe).filter(([, value]) => value !== undefined)) };
}

function readSettings(words: readonly string[]): Record<string, unknown> | string {
  const settings: [string, unknown][] = [];
  for (const word of words) {
    const [, key, value] = /^(interval|timeout|retries|status)=(.+)$/.exec(word) ?? [];
    if (key === undefined || value === undefined)
      return `${showValue(word)} is none of interval=, timeout=, retries=, status=.`;
    if (key === "status") settings.push([key, value.split(",")]);
    else settings.push([key, key === "retries" && /^\d+$/.test(value) ? Number(value) : value]);
  }
  return Object.fromEntries(settings);
}
