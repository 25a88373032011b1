import { oneLine } from "@belay/core";
import { FINDING_KINDS } from "../report/finding.ts";
import type { IgnoreRule, IgnoreRules } from "./ignore-rule.ts";
import { parseDate } from "./parse-date.ts";

/**
 * Reads a `.trivyignore`: an id a line, `exp:2026-03-31` after it for the day (UTC) from which it counts no more, and
 * comments. Each file is read by itself, so that a missing last newline joins nothing. The comment behind an id is its
 * reason, else the comment lines right above it. An id whose date can't be read ignores nothing, as in Trivy.
 */
export function parseTrivyignore(text: string, file = ".trivyignore"): IgnoreRules {
  const rules: IgnoreRule[] = [];
  const mistakes: string[] = [];
  let above: string[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\r|\n/)
    .entries()) {
    const line = raw.trim();
    if (line.startsWith("#")) above.push(line.replace(/^#+/, "").trim());
    if (line === "") above = [];
    if (line === "" || line.startsWith("#")) continue;
    const read = readLine(line, `${file}:${index + 1}`, above.join(" "));
    if (typeof read === "string") mistakes.push(read);
    else rules.push(read);
    above = [];
  }
  return { rules, mistakes };
}

function readLine(line: string, origin: string, above: string): IgnoreRule | string {
  const [fields = "", ...comment] = line.split(/\s#/);
  const [id = "", ...more] = fields.trim().split(/\s+/);
  const date = more.find((field) => field.startsWith("exp:"))?.slice("exp:".length);
  const expiresAt = date === undefined ? undefined : parseDate(date);
  if (date !== undefined && expiresAt === undefined) {
    return `${origin}: ${oneLine(id, 60)} ignores nothing, because exp:${oneLine(date, 40)} is no date such as exp:2026-03-31`;
  }
  const reason = oneLine(comment.join(" #")) || oneLine(above);
  return {
    id,
    kinds: FINDING_KINDS,
    paths: [],
    purls: [],
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(reason === "" ? {} : { reason }),
    origin,
  };
}
