import {
  type DeploymentState,
  describeCause,
  headlineOf,
  OUTCOME_NAMES,
  OUTCOMES,
  type Outcome,
  oneLine,
  truncate,
} from "@belay/core";
import type { DeploymentStart } from "./github.ts";
import { at, numberAt, optional, textAt } from "./json-path.ts";
import { titleOfFailure } from "./render/headline.ts";
import { type AnyReport, isDeploymentReport } from "./render/report-kind.ts";

/** REST: "Create a deployment status", `description`. */
const DESCRIPTION_LIMIT = 140;
const PAYLOAD_SCHEMA = "belay.deployment/v1";

/** What a GitHub deployment's `payload` tells of Belay's deployment; it can't be changed later. */
export interface DeploymentPayload {
  readonly application: string;
  readonly environment: string;
  readonly runId: string;
  readonly attempt: number;
  readonly deployment?: number;
  readonly url?: string;
}

export function writePayload(start: DeploymentStart): Record<string, unknown> {
  return {
    belay: PAYLOAD_SCHEMA,
    application: start.application,
    environment: start.environment,
    run: { id: start.run.id, attempt: start.run.attempt, url: start.run.url },
    ...optional("deployment", start.deployment),
    ...optional("release", start.release),
    ...optional("url", start.url),
    ...optional("rollbackTo", start.rollbackTo),
  };
}

/** `undefined` for a payload that Belay did not write. GitHub gives it back as an object or as text. */
export function readPayload(payload: unknown): DeploymentPayload | undefined {
  const value = typeof payload === "string" ? parse(payload) : payload;
  const application = textAt(value, "application");
  const environment = textAt(value, "environment");
  if (at(value, "belay") !== PAYLOAD_SCHEMA || application === undefined || environment === undefined) return undefined;
  return {
    application,
    environment,
    runId: textAt(value, "run.id") ?? "",
    attempt: numberAt(value, "run.attempt") ?? 1,
    ...optional("deployment", numberAt(value, "deployment")),
    ...optional("url", textAt(value, "url")),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // somebody else's payload: any text is allowed there
  }
}

/** What a status's description tells, when Belay wrote it. */
export interface StatusFacts {
  readonly application: string;
  readonly words: string;
  readonly outcome?: Outcome;
  readonly deployment?: number;
}

/** `Rolled back: crash_loop in web (shop, deployment 12)`: 140 characters at most; the words are cut first. */
export function writeDescription(words: string, application: string, deployment: number | undefined): string {
  const number = deployment === undefined ? "" : `, deployment ${deployment}`;
  const suffix = ` (${shortName(application)}${number})`;
  return `${oneLine(words, DESCRIPTION_LIMIT - suffix.length)}${suffix}`;
}

export function readDescription(description: string): StatusFacts | undefined {
  const parts = /^(?<words>.+) \((?<application>[^()]+?)(?:, deployment (?<number>\d+))?\)$/.exec(description)?.groups;
  if (parts?.words === undefined || parts.application === undefined) return undefined;
  const { words } = parts;
  const outcome = OUTCOME_NAMES.find((name) => isHeadOf(OUTCOMES[name].headline, words));
  return {
    application: parts.application,
    words,
    ...optional("outcome", outcome),
    ...optional("deployment", parts.number === undefined ? undefined : Number(parts.number)),
  };
}

function isHeadOf(headline: string, words: string): boolean {
  return words === headline || words.startsWith(`${headline}: `);
}

/** An application's name as descriptions carry it: short and without brackets. */
export function shortName(application: string): string {
  return truncate(application.replace(/[()]/g, ""), 40);
}

/** State and words of the final status. */
export function finalStatus(report: AnyReport): { readonly state: DeploymentState; readonly words: string } {
  if (!isDeploymentReport(report)) return { state: "error", words: titleOfFailure(report) };
  const { deploymentState } = OUTCOMES[report.outcome];
  const cause = report.cause === undefined ? "" : `: ${describeCause(report.cause)}`;
  return { state: deploymentState, words: `${headlineOf(report)}${cause}` };
}
