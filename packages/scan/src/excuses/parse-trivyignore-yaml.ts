import { BelayError, messageOf, oneLine } from "@belay/core";
import { parse } from "yaml";
import { z } from "zod";
import type { FindingKind } from "../report/finding.ts";
import type { IgnoreRule, IgnoreRules } from "./ignore-rule.ts";
import { parseDate } from "./parse-date.ts";
import { type PackageUrl, parsePurl } from "./purl.ts";

const entry = z.strictObject({
  id: z.string().min(1),
  paths: z.array(z.string()).nullish(),
  purls: z.array(z.string()).nullish(),
  expired_at: z.union([z.string(), z.date()]).nullish(),
  statement: z.string().nullish(),
});

const entries = z.array(entry).nullish();

const document = z
  .strictObject({ vulnerabilities: entries, misconfigurations: entries, secrets: entries, licenses: entries })
  .nullable();

type Entry = z.infer<typeof entry>;

const KINDS = {
  vulnerabilities: "vulnerability",
  misconfigurations: "misconfiguration",
  secrets: "secret",
  licenses: "licence",
} as const satisfies Record<string, FindingKind>;

/**
 * Reads a `.trivyignore.yaml` (trivy docs, "Filtering", "By finding IDs"). Unknown keys are refused: a misspelt
 * `expired_at` would ignore for ever. An entry with a date or package URL that can't be read ignores nothing.
 * @throws BelayError INVALID_INPUT
 */
export function parseTrivyignoreYaml(text: string, file = ".trivyignore.yaml"): IgnoreRules {
  const checked = document.safeParse(parseYaml(text, file));
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw refuse(file, `${issue?.path.join(".") || "the document"}: ${oneLine(issue?.message ?? "")}`);
  }
  const read = Object.entries(KINDS).flatMap(([section, kind]) =>
    (checked.data?.[section as keyof typeof KINDS] ?? []).map((one, index) =>
      readEntry(one, kind, `${file} ${section}[${index}]`),
    ),
  );
  return {
    rules: read.filter((one) => typeof one !== "string"),
    mistakes: read.filter((one) => typeof one === "string"),
  };
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw refuse(file, oneLine(messageOf(error)), error);
  }
}

function refuse(file: string, got: string, cause?: unknown): BelayError {
  const next = "Each entry has an id, and may have paths, purls, expired_at and statement.";
  return new BelayError("INVALID_INPUT", { doing: `reading ${file}`, got, next, cause });
}

function readEntry(one: Entry, kind: FindingKind, origin: string): IgnoreRule | string {
  const expiresAt = one.expired_at == null ? undefined : dateOf(one.expired_at);
  const nothing = `${origin}: ${oneLine(one.id, 60)} ignores nothing, because`;
  if (one.expired_at != null && expiresAt === undefined) return `${nothing} its expired_at is no date`;
  const purls: PackageUrl[] = [];
  for (const text of one.purls ?? []) {
    const purl = parsePurl(text);
    if (purl === undefined) return `${nothing} ${oneLine(text, 80)} is no package URL`;
    purls.push(purl);
  }
  return {
    id: one.id,
    kinds: [kind],
    paths: one.paths ?? [],
    purls,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(one.statement ? { reason: oneLine(one.statement) } : {}),
    origin,
  };
}

function dateOf(value: string | Date): number | undefined {
  return typeof value === "string" ? parseDate(value) : value.getTime();
}
