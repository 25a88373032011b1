import { CAUSES, EXIT_CODES, isOutcome } from "@belay/core";
import * as z from "zod/mini";
import { SCAN_SUMMARY_FORM } from "./scan-summary-form.ts";
import { STAGE_FORM } from "./stage-form.ts";

const text = z.string();
const texts = z.array(text);
const count = z.number();
const maybe = { text: z.optional(text), count: z.optional(count) };
/** One of a table's own names. */
const nameOf = (table: object) => text.check(z.refine((name) => Object.hasOwn(table, name)));

const source = z.looseObject({
  repository: text,
  revision: text,
  mergedOnto: maybe.text,
  ref: maybe.text,
  pullRequest: maybe.count,
  author: maybe.text,
  title: maybe.text,
  committedAt: maybe.text,
  dirty: z.optional(z.boolean()),
  run: z.optional(z.looseObject({ id: text, attempt: count, url: maybe.text })),
});

const rollback = z.optional(z.looseObject({ to: count, reason: maybe.text, by: maybe.text }));
const revision = z.optional(z.looseObject({ revision: text, image: text, digests: texts, instances: count }));

const change = z.looseObject({
  service: text,
  name: text,
  action: z.enum(["create", "update", "recreate", "unchanged", "remove"]),
  goal: z.enum(["run", "complete"]),
  desired: count,
  dependsOn: texts,
  from: revision,
  to: revision,
  differences: texts,
});

const finding = z.looseObject({
  level: z.enum(["refuse", "warn", "cannot tell"]),
  check: text,
  service: maybe.text,
  message: text,
  remedy: maybe.text,
});

const running = z.looseObject({
  service: text,
  name: text,
  revision: text,
  wantedRevision: maybe.text,
  image: text,
  digests: texts,
  ready: count,
  desired: count,
  deployment: maybe.count,
  release: maybe.text,
  since: maybe.text,
  labelledCommit: maybe.text,
});

const evidence = z.looseObject({
  service: text,
  instance: text,
  exitCode: maybe.count,
  oomKilled: z.optional(z.boolean()),
  healthOutput: maybe.text,
  logLines: texts,
  events: texts,
  unknown: texts,
});

const common = {
  application: text,
  stages: z.array(STAGE_FORM),
  scan: z.optional(SCAN_SUMMARY_FORM),
  startedAt: text,
  durationMs: count,
};

const deployment = z.looseObject({
  ...common,
  environment: text,
  target: z.enum(["compose", "swarm", "kubernetes"]),
  url: maybe.text,
  outcome: text.check(z.refine(isOutcome)),
  cause: z.optional(
    z.looseObject({ cause: nameOf(CAUSES), service: maybe.text, instance: maybe.text, detail: maybe.text }),
  ),
  likelyCause: maybe.text,
  deployment: maybe.count,
  release: z.looseObject({ digest: text, source }),
  rollback,
  supersededBy: z.optional(z.looseObject({ run: text, source, rollback })),
  previous: z.optional(z.looseObject({ deployment: maybe.count, release: maybe.text, source: z.optional(source) })),
  changes: z.array(change),
  once: z.optional(texts),
  others: z.optional(texts),
  findings: z.array(finding),
  running: z.array(running),
  evidence: z.array(evidence),
  advice: z.array(z.looseObject({ title: text, command: text })),
  notCovered: texts,
  restoreMs: maybe.count,
});

const failure = z.looseObject({
  ...common,
  environment: maybe.text,
  reason: nameOf(EXIT_CODES),
  message: text,
  source: z.optional(source),
});

/** A report as an earlier step wrote it down (`DeploymentReport`, `FailureReport`): outside text in it stays text. */
export const REPORT_FORM = z.union([deployment, failure]);
