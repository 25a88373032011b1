import { matchesGlob } from "node:path/posix";
import type { Finding, FindingKind } from "../report/finding.ts";
import { matchesPurl, type PackageUrl, parsePurl } from "./purl.ts";

/** A line of `.trivyignore`, or an entry of `.trivyignore.yaml`. */
export interface IgnoreRule {
  readonly id: string;
  /** Kinds of findings that it means. */
  readonly kinds: readonly FindingKind[];
  /** Patterns (`**`, `*`, `?`, `{a,b}`), one of which a file or target has to match. Empty: any. */
  readonly paths: readonly string[];
  /** Packages, one of which it has to be. Empty: any. */
  readonly purls: readonly PackageUrl[];
  /** Milliseconds since 1970: from then on it has no effect. */
  readonly expiresAt?: number;
  /** Why, in the words of who wrote it. Outside text. */
  readonly reason?: string;
  /** Where it stands: `.trivyignore:3`. */
  readonly origin: string;
}

/** What a file of rules said, and what of it could not be understood and so ignores nothing. */
export interface IgnoreRules {
  readonly rules: readonly IgnoreRule[];
  readonly mistakes: readonly string[];
}

export function isExpired(rule: IgnoreRule, now: Date): boolean {
  return rule.expiresAt !== undefined && rule.expiresAt <= now.getTime();
}

/** Whether the rule means this finding, expired or not. */
export function matchesRule(rule: IgnoreRule, finding: Finding): boolean {
  if (!rule.kinds.includes(finding.kind) || rule.id !== finding.id) return false;
  return matchesPath(rule.paths, finding) && matchesPackage(rule.purls, finding);
}

function matchesPath(patterns: readonly string[], finding: Finding): boolean {
  if (patterns.length === 0) return true;
  const paths = [finding.target, finding.kind === "vulnerability" ? finding.path : undefined];
  return paths.some((path) => path !== undefined && patterns.some((pattern) => matchesGlob(path, pattern)));
}

/**
 * A rule for certain packages means no finding whose package is unknown: Trivy lets it pass (`pkg/result`, "matchPURL"),
 * which ignores more than was written.
 */
function matchesPackage(purls: readonly PackageUrl[], finding: Finding): boolean {
  if (purls.length === 0) return true;
  const found = finding.kind === "vulnerability" && finding.purl !== undefined ? parsePurl(finding.purl) : undefined;
  return found !== undefined && purls.some((purl) => matchesPurl(purl, found));
}
