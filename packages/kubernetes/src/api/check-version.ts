import { BelayError, type Log } from "@belay/core";

/** `GET /version`, as far as it matters. Providers write `28+`. */
export interface ServerVersion {
  readonly major?: string;
  readonly minor?: string;
  readonly gitVersion?: string;
}

/** The first with all that Belay asks for: server-side apply (1.22) and `autoscaling/v2` (1.23) are the youngest of it. */
const OLDEST_MINOR = 23;
/** What the tests run on (`packages/testkit`); the Kubernetes project looks after three minors at a time. */
const TESTED_MINOR = 34;

/**
 * Says in one message what Belay can't do with an API server of this version, or that it was not tried there. One that does
 * not tell its version is taken for a current one. @throws BelayError ENGINE_TOO_OLD
 */
export function checkVersion({ major = "", minor = "", gitVersion }: ServerVersion, log: Log): void {
  const [first, second] = [Number.parseInt(major, 10), Number.parseInt(minor, 10)];
  if (Number.isNaN(first) || Number.isNaN(second) || first > 1) return;
  const name = gitVersion ?? `${major}.${minor}`;
  if (second < OLDEST_MINOR) {
    const lacks =
      "an older one lets no field be applied beside its other owners' (server-side apply), and does not tell who scales (`autoscaling/v2`)";
    throw new BelayError("ENGINE_TOO_OLD", {
      doing: "connecting to the cluster",
      got: `it runs Kubernetes ${name}, and 1.${OLDEST_MINOR} is needed: ${lacks}`,
      next: `Update the cluster; Belay is tested with 1.${TESTED_MINOR}.`,
    });
  }
  if (second >= TESTED_MINOR) return;
  log.warn(`The cluster runs Kubernetes ${name}. Belay needs 1.${OLDEST_MINOR}, and is tested with 1.${TESTED_MINOR}.`);
}
