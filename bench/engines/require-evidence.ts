import type { Cause, DeploymentReport } from "@belay/core";
import type { Variants } from "../../test/contract/stand.ts";
import { CRASH_LINE, type VariantName } from "../../test/contract/variants.ts";

interface Fault {
  /** What engines call it. */
  readonly causes: readonly Cause[];
  /** What its instances have said. */
  readonly line?: string;
}

const ENDS: readonly Cause[] = ["crash_loop", "exited"];
const NEVER_WELL: readonly Cause[] = ["unhealthy", "startup_killed"];

/** What is wrong with each release that a benchmark has taken off. */
const FAULTS: Readonly<Partial<Record<VariantName, Fault>>> = {
  crash: { causes: ENDS, line: CRASH_LINE },
  exits: { causes: ENDS, line: "nothing to do" },
  sick: { causes: NEVER_WELL },
  unhealthy: { causes: NEVER_WELL },
  sickens: { causes: ["unhealthy", "readiness_lost"] },
};

type Told = Pick<DeploymentReport, "outcome" | "cause" | "evidence">;

/**
 * A release that was taken off was so for what is wrong with it, and its last log lines are told: a figure of something else
 * would be worth nothing. @throws Error
 */
export function requireEvidence({ outcome, cause, evidence }: Told, variants: Variants): void {
  if (outcome !== "rolled_back") return;
  const faults = Object.values(variants).flatMap((variant) => FAULTS[variant] ?? []);
  const told = `${cause?.cause} in ${cause?.service} (${cause?.detail})`;
  const fault = faults.find(({ causes }) => cause !== undefined && causes.includes(cause.cause));
  if (fault === undefined) throw new Error(`${Object.values(variants).join(", ")} was taken off for ${told}`);
  const { line = "" } = fault;
  if (!evidence.some(({ logLines }) => logLines.some((one) => one.includes(line))))
    throw new Error(`a release was taken off for ${told} without its last log lines${line && ` (${line})`}`);
}
