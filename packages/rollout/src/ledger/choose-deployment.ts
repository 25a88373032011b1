import { BelayError } from "@belay/core";
import type { HistoryEntry } from "./history.ts";
import type { ReleaseFacts } from "./records.ts";

/** A deployment that can be gone back to: it was proven, and the ledger knows its release. */
export interface Chosen {
  readonly deployment: number;
  readonly release: ReleaseFacts;
}

const COMMIT = /^[0-9a-f]{7,64}$/;

/**
 * The deployment that `to` means: `previous`, a number, or a commit (full, or at least 7 digits of it). `entries`: the
 * whole ledger, newest first.
 *
 * `previous` follows the releases that were proven, one another's predecessor: after a rollback to 12 it is what ran
 * before 12, so that asking again goes further back and never forward. While a deployment is under way, or was left by a
 * run that died, it is what ran before that one.
 *
 * @throws BelayError INVALID_INPUT when it means none, or more than one; the message names those that there are.
 */
export function chooseDeployment(to: string, entries: readonly HistoryEntry[]): Chosen {
  const text = to.trim().toLowerCase();
  if (text === "previous") return choosePrevious(entries);
  const number = /^\d+$/.test(text) ? Number(text) : undefined;
  const named = entries.find((entry) => entry.deployment === number);
  // Seven digits may begin a commit, too; no ledger comes so far.
  if (number !== undefined && (named !== undefined || text.length < 7)) return chooseNumber(number, named, entries);
  if (COMMIT.test(text)) return chooseCommit(text, entries);
  throw refusal(entries, `${JSON.stringify(to)} is neither previous, nor a number, nor a commit of at least 7 digits`);
}

function chooseNumber(number: number, entry: HistoryEntry | undefined, entries: readonly HistoryEntry[]): Chosen {
  const proven = entry && provenOf(entry);
  if (proven !== undefined) return proven;
  const highest = entries[0]?.deployment ?? 0;
  if (entry !== undefined) throw refusal(entries, `deployment ${number} was never proven: it ${howItEnded(entry)}`);
  if (number < 1 || number > highest) throw refusal(entries, `there is no deployment ${number}`);
  throw refusal(entries, `deployment ${number} is not in the ledger any more, which keeps the newest ones only`);
}

function howItEnded({ begin, end, open }: HistoryEntry): string {
  if (open) return "has not ended";
  if (begin?.intent === "recover") return `put deployment ${begin.recovers} right`;
  return end === undefined ? "has no record of its end" : `ended as ${end.outcome}`;
}

function chooseCommit(commit: string, entries: readonly HistoryEntry[]): Chosen {
  const found = allProven(entries).filter((one) => one.release.source.revision.toLowerCase().startsWith(commit));
  const commits = [...new Set(found.map((one) => one.release.source.revision))];
  if (commits.length > 1) {
    throw refusal(entries, `${commit} may mean ${commits.map((one) => one.slice(0, 12)).join(" or ")}`);
  }
  if (found[0] !== undefined) return found[0];
  throw refusal(entries, `no proven deployment of the ledger is of the commit ${commit}`);
}

function choosePrevious(entries: readonly HistoryEntry[]): Chosen {
  const { from, release } = standing(entries);
  // What runs is nothing that the ledger knows: then the last proven one is what came before it.
  if (from === undefined) return allProven(entries)[0] ?? noneBefore(entries);
  for (let next = predecessor(from, entries); next !== undefined; next = predecessor(next, entries)) {
    const proven = provenOf(find(entries, next));
    if (proven !== undefined && !isSame(proven.release, release)) return proven;
  }
  return noneBefore(entries);
}

function noneBefore(entries: readonly HistoryEntry[]): never {
  throw refusal(entries, "no proven release ran before the one that runs");
}

/** The deployment that somebody who says `previous` looks at. */
function standing(entries: readonly HistoryEntry[]): { readonly from?: number; readonly release?: ReleaseFacts } {
  const open = entries.find((entry) => entry.open && entry.begin !== undefined && entry.begin.intent !== "recover");
  // Further down it is an old claim that was never acted on.
  const underWay = open !== undefined && entries.slice(0, entries.indexOf(open)).every((entry) => entry.open);
  if (underWay) return { from: open.deployment, ...(open.begin?.release && { release: open.begin.release }) };
  const runs = entries.find((entry) => entry.end?.runs !== undefined)?.end?.runs;
  const from = runs?.deployment;
  return from === undefined || runs === undefined ? {} : { from, ...(runs.release && { release: runs.release }) };
}

/** What ran before a deployment; for a rollback, what ran before the deployment that it went back to. */
function predecessor(deployment: number, entries: readonly HistoryEntry[]): number | undefined {
  const begin = find(entries, deployment)?.begin;
  if (begin?.rollback !== undefined && begin.rollback.to < deployment) {
    const back = find(entries, begin.rollback.to);
    return back === undefined ? lower(begin.rollback.to, entries) : predecessor(back.deployment, entries);
  }
  const before = begin?.before?.deployment;
  return before !== undefined && before < deployment ? origin(before, entries) : lower(deployment, entries);
}

/** The deployment that brought it first, where the ledger still has that: a person knows it by that number. */
function origin(deployment: number, entries: readonly HistoryEntry[]): number {
  const to = find(entries, deployment)?.begin?.rollback?.to;
  const known = to !== undefined && to < deployment && provenOf(find(entries, to)) !== undefined;
  return known ? origin(to, entries) : deployment;
}

/** The next lower number that was proven: the ledger does not say what ran before. */
function lower(deployment: number, entries: readonly HistoryEntry[]): number | undefined {
  return allProven(entries).find((one) => one.deployment < deployment)?.deployment;
}

function find(entries: readonly HistoryEntry[], deployment: number): HistoryEntry | undefined {
  return entries.find((entry) => entry.deployment === deployment);
}

/** Newest first. */
export function allProven(entries: readonly HistoryEntry[]): readonly Chosen[] {
  return entries.flatMap((entry) => provenOf(entry) ?? []);
}

function provenOf(entry: HistoryEntry | undefined): Chosen | undefined {
  const release = entry?.begin?.release;
  if (entry === undefined || release === undefined || entry.end?.outcome !== "succeeded") return undefined;
  return { deployment: entry.deployment, release };
}

/** The same document, or the same images of the same commit (a document that was made anew). */
function isSame(a: ReleaseFacts, b: ReleaseFacts | undefined): boolean {
  if (b === undefined) return false;
  const images = (one: ReleaseFacts): string => JSON.stringify(Object.entries(one.images).sort());
  return a.digest === b.digest || (a.source.revision === b.source.revision && images(a) === images(b));
}

/** `12 (commit 0123456789ab), 11 (…)`: for people who have to choose. */
export function listChoices(choices: readonly Chosen[]): string {
  const shown = choices
    .slice(0, 10)
    .map((one) => `${one.deployment} (commit ${one.release.source.revision.slice(0, 12)})`);
  if (shown.length === 0) return "There is no proven deployment to go back to.";
  return `There is to go back to: ${shown.join(", ")}${choices.length > shown.length ? ", …" : ""}.`;
}

function refusal(entries: readonly HistoryEntry[], got: string): BelayError {
  const doing = "choosing the deployment to go back to";
  return new BelayError("INVALID_INPUT", { doing, got, next: listChoices(allProven(entries)) });
}
