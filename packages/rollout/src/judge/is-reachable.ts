import type { JudgeTerms } from "./verdict.ts";

/**
 * Whether a probe of the service as a whole can ask this release at all: not while the one before may serve as well, and
 * not before what leads to the service (a proxy, an Ingress) has had its change.
 */
export function isReachable({ expect, changesFollow = false }: JudgeTerms): boolean {
  return expect === "alone" && !changesFollow;
}
