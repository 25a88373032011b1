import { oneLine } from "@belay/core";
import { type IgnoreRule, isExpired, matchesRule } from "../excuses/ignore-rule.ts";
import { type PackageUrl, parsePurl } from "../excuses/purl.ts";
import { lastStatement, type VexStatement } from "../excuses/vex-statement.ts";
import type { Finding } from "../report/finding.ts";
import type { GatePolicy } from "./gate-policy.ts";
import type { IgnoreUse } from "./gate-result.ts";

/** Everything that may excuse a finding. */
export interface Excuses {
  readonly policy: GatePolicy;
  readonly rules: readonly IgnoreRule[];
  readonly statements: readonly VexStatement[];
  /** The scanned image under its names, for statements about images. */
  readonly images: readonly PackageUrl[];
  readonly now: Date;
}

export interface Excuse {
  /** Why it is ignored. None: it is not. */
  readonly because?: string;
  /** An expired rule that means it. */
  readonly expired?: IgnoreRule;
  /** Of those that `because` speaks of. */
  readonly rule?: IgnoreRule;
  readonly statement?: VexStatement;
}

/** Whether somebody said that this finding does not count, and who. */
export function excuseFinding(finding: Finding, excuses: Excuses): Excuse {
  const rules = excuses.rules.filter((rule) => matchesRule(rule, finding));
  const rule = rules.find((one) => !isExpired(one, excuses.now));
  if (rule !== undefined) return { rule, because: becauseOf(rule) };
  const expired = rules.length === 0 ? {} : { expired: rules.at(-1) as IgnoreRule };
  if (finding.kind !== "vulnerability") return expired;
  const purl = finding.purl === undefined ? undefined : parsePurl(finding.purl);
  const about = { names: [finding.id, ...finding.aliases], purl, images: excuses.images };
  const statement = lastStatement(excuses.statements, about);
  if (statement !== undefined && statement.status !== "affected") {
    const words = statement.reason === undefined ? "" : `: ${statement.reason}`;
    return { ...expired, statement, because: `${statement.origin} says ${statement.status}${words}` };
  }
  const { policy } = excuses;
  if (policy.ignoreUnfixed && finding.status !== "fixed") {
    return { ...expired, because: `there is no fix (${finding.status}), and what is unfixed is ignored` };
  }
  const ignored = policy.ignoreStatuses.includes(finding.status);
  return ignored ? { ...expired, because: `the status ${finding.status} is ignored` } : expired;
}

function becauseOf(rule: IgnoreRule): string {
  const until = rule.expiresAt === undefined ? "for ever" : `until ${dayOf(rule.expiresAt)}`;
  return `${rule.origin} ignores it ${until}: ${rule.reason ?? "no reason is given"}`;
}

/** `2026-03-31`. */
export function dayOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}

/** All rules, used or not, and the statements that were used. */
export function listUses(excuses: Excuses, given: readonly (readonly [Finding, Excuse])[]): IgnoreUse[] {
  const rules = excuses.rules.map((rule): IgnoreUse => {
    const expired = isExpired(rule, excuses.now);
    const findings = given.filter(([finding]) => matchesRule(rule, finding)).length;
    return {
      id: oneLine(rule.id, 80),
      origin: rule.origin,
      ...(rule.reason === undefined ? {} : { reason: rule.reason }),
      ...(rule.expiresAt === undefined ? {} : { expiresAt: new Date(rule.expiresAt).toISOString() }),
      expired,
      findings,
    };
  });
  const used = new Map<VexStatement, number>();
  for (const [, { statement }] of given) {
    if (statement !== undefined) used.set(statement, (used.get(statement) ?? 0) + 1);
  }
  const statements = [...used].map(([statement, findings]): IgnoreUse => {
    const reason = statement.reason === undefined ? {} : { reason: statement.reason };
    return { id: statement.vulnerabilities[0] ?? "", origin: statement.origin, ...reason, expired: false, findings };
  });
  return [...rules, ...statements];
}
