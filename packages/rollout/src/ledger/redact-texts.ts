import type { CauseDetail, Redactor, Source } from "@belay/core";
import type { ReleaseFacts, RollbackFacts, RunsFacts } from "./records.ts";

interface Texts {
  readonly cause?: CauseDetail;
  readonly rollback?: RollbackFacts;
  readonly release?: ReleaseFacts;
  readonly before?: RunsFacts;
  readonly runs?: RunsFacts;
}

/**
 * What goes into a record, with the secrets taken out of everything that somebody else has said: an engine, a probe, whoever
 * asked for a rollback, a commit's title. Names, digests and images stay as they are: the next run works with them.
 */
export function redactTexts<T extends Texts>(draft: T, redactor: Pick<Redactor, "redact">): T {
  const { cause, rollback, release, before, runs } = draft;
  const words = <V extends object>(value: V, ...keys: readonly (keyof V)[]): V => redactKeys(value, keys, redactor);
  const source = (value: Source): Source => words(value, "title", "author");
  const named = (value: ReleaseFacts): ReleaseFacts => ({ ...value, source: source(value.source) });
  const ran = (value: RunsFacts): RunsFacts => ({ ...value, ...(value.release && { release: named(value.release) }) });
  return {
    ...draft,
    ...(cause && { cause: words(cause, "detail") }),
    ...(rollback && { rollback: words(rollback, "reason", "by") }),
    ...(release && { release: named(release) }),
    ...(before && { before: ran(before) }),
    ...(runs && { runs: ran(runs) }),
  };
}

function redactKeys<V extends object>(value: V, keys: readonly (keyof V)[], redactor: Pick<Redactor, "redact">): V {
  const texts = keys.flatMap((key) => {
    const text = value[key];
    return typeof text === "string" ? [[key, redactor.redact(text)] as const] : [];
  });
  return { ...value, ...Object.fromEntries(texts) };
}
