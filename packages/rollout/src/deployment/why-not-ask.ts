import type { Source } from "@belay/core";
import type { BeginRecord } from "../ledger/records.ts";
import type { DeployPorts } from "../ports.ts";

/** Who would ask, as far as it decides. */
export interface Asker {
  readonly intent: "deploy" | "rollback";
  readonly source: Source;
}

/**
 * Why this run must not ask the holder of a deployment to stop, in words for the log; nothing when it may. An older release
 * never supersedes a newer one, and nobody stops what brings a proven release back: a rollback by hand, a recovery.
 */
export async function whyNotAsk(
  asker: Asker,
  holder: BeginRecord | undefined,
  isOlder: DeployPorts["isOlder"],
): Promise<string | undefined> {
  if (holder?.release === undefined) return "it is not known what it deploys";
  if (holder.intent !== "deploy") return "it brings an earlier release back";
  // A person wants the release off that is just coming.
  if (asker.intent === "rollback") return undefined;
  const { source } = holder.release;
  if (source.revision === asker.source.revision) return "it deploys the same commit";
  const older = (await isOlder?.(source)) ?? "cannot tell";
  if (older === "cannot tell") return "whether its commit is older could not be found out";
  return older ? "its commit is newer" : undefined;
}
