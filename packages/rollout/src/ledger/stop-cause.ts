import type { CauseDetail } from "@belay/core";
import type { StopRecord } from "./records.ts";

/** Why a deployment that was asked to stop came to nothing: who took its place, for people. Outside text inside. */
export function stopCause({ by, intent, release, rollback }: StopRecord): CauseDetail {
  const commit = release.source.revision.slice(0, 12);
  const what = rollback === undefined ? `deploys commit ${commit}` : `goes back to deployment ${rollback.to}`;
  const who = intent === "rollback" && rollback?.by !== undefined ? `${rollback.by} with ` : "";
  return { cause: "superseded", detail: `${who}run ${by.run}, attempt ${by.attempt} on ${by.host}, which ${what}` };
}
