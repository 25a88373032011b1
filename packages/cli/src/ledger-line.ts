import type { EnvironmentStatus } from "@belay/pipeline";

/** What the ledger says should run, in a line; and what to make of it when it is not there. */
export function ledgerLine({ should, running }: Pick<EnvironmentStatus, "should" | "running">): string {
  if (should === undefined) return withoutLedger(running);
  if (should.deployment === undefined && should.release === undefined && !should.proven) {
    return "Should run: not known, because no deployment of this environment was proven yet.";
  }
  const { source } = should.release ?? {};
  const commit =
    source === undefined
      ? "an unknown commit"
      : `commit ${source.revision.slice(0, 12)} by ${source.author ?? "unknown"}`;
  const number = should.deployment === undefined ? "" : `deployment ${should.deployment}, `;
  return `Should run: ${number}${commit}${should.proven ? "" : " (not proven)"}`;
}

/** Labels without a ledger: its records were removed, which is no first deployment. */
function withoutLedger(running: EnvironmentStatus["running"]): string {
  const labelled = Math.max(0, ...running.map((service) => service.deployment ?? 0));
  if (labelled === 0) return "The ledger is empty: nothing was deployed here yet.";
  return `The ledger is gone, though deployment ${labelled} runs: somebody removed its records. What runs is unverified; deploy again to prove it.`;
}
