/**
 * Every step of a deployment and of a recovery, in the order in which they first come. A run announces each one through
 * its `onStep` port just before it does it; the kill tests read this list, so that no step is ever left out of them.
 */
export const STEPS = [
  "choose",
  "survey",
  "supersede",
  "takeover",
  "load snapshot",
  "plan",
  "preflight",
  "confirm",
  "snapshot",
  "begin",
  "baseline",
  "act",
  "watch",
  "dossier",
  "restoration",
  "restore baseline",
  "restore act",
  "restore watch",
  "read back",
  "end recovered",
  "end",
  "compact",
] as const;

export type Step = (typeof STEPS)[number];
