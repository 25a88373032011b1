import type { Finding, RolloutPolicy, Source } from "@belay/core";
import type { DeployPorts } from "../ports.ts";

/** Name of the check. */
export const OLDER_RELEASE = "older_release";

/**
 * What preflight says of a release that may be older than the one that runs: `refuse`, `cannot tell`, or nothing.
 * `running`: its source as the ledger recorded it.
 */
export async function ageFinding(
  running: Source | undefined,
  policy: Pick<RolloutPolicy, "allowOlder">,
  isOlder: DeployPorts["isOlder"],
): Promise<Finding | undefined> {
  if (running === undefined || policy.allowOlder || isOlder === undefined) return undefined;
  const older = await isOlder(running);
  if (older === false) return undefined;
  const check = OLDER_RELEASE;
  if (older === "cannot tell") {
    const message = "whether the release is older than the one that runs could not be found out";
    return { level: "cannot tell", check, message };
  }
  const message = `commit ${running.revision.slice(0, 12)} runs, which is newer than this release`;
  return { level: "refuse", check, message, remedy: "Deploy it all the same with `allow-older`." };
}
