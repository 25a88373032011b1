import { existsSync } from "node:fs";
import { join } from "node:path";
import { BelayError, type Platform } from "@belay/core";
import { type LayoutEntry, readLayout } from "@belay/core/oci-layout";
import { isSamePlatform } from "../report/is-same-platform.ts";
import { narrowLayout } from "../scan/narrow-layout.ts";
import { MOST_PLATFORMS, type TrivyActionCall } from "./trivy-action-call.ts";

/** One run of trivy-action. */
export interface TrivyActionRun {
  /** None: whatever the image has. */
  readonly platform?: Platform;
  /** Value of its input `input`: a tar file, or a layout with this platform alone. */
  readonly input?: string;
}

/**
 * The runs that a call takes: one for each platform. Of an OCI layout Trivy scans the first image that it finds, whatever
 * platform is asked for, so that each platform gets a layout of its own in `place`; without `platforms` all of them.
 * @throws BelayError INVALID_INPUT for platforms that are not there, or too many; what reading the layout throws
 */
export async function trivyActionRuns(call: TrivyActionCall, place: string): Promise<readonly TrivyActionRun[]> {
  const { platforms } = call;
  const { input } = call.inputs;
  if (input === undefined) return platforms.length === 0 ? [{}] : platforms.map((platform) => ({ platform }));
  if (!existsSync(join(input, "index.json"))) {
    const [platform, ...others] = platforms;
    if (others.length > 0)
      throw refused("a tar file has one platform", "Scan an image in a registry with `image-ref`.");
    return [{ input, ...(platform === undefined ? {} : { platform }) }];
  }
  const { entries } = await readLayout(input);
  const has = entries.map((entry) => entry.platform);
  const named = new Map(platforms.map((platform) => [platform, entryFor(platform, entries)]));
  const missing = platforms.find((platform) => named.get(platform) === undefined);
  if (missing !== undefined) throw refused(`${input} has ${has.join(", ")}, and no ${missing}`, "Name what it has.");
  const taken = new Set(named.values());
  const wanted = entries.filter((entry) => platforms.length === 0 || taken.has(entry));
  if (wanted.length > MOST_PLATFORMS) {
    throw refused(
      `${input} has ${wanted.length}`,
      `Name at most ${MOST_PLATFORMS} of them, the others in another step.`,
    );
  }
  const runs: TrivyActionRun[] = [];
  for (const entry of wanted) {
    const own = join(place, `layout-${runs.length + 1}`);
    await narrowLayout(input, entry, own);
    runs.push({ platform: entry.platform, input: own });
  }
  return runs;
}

/** The very one, else one whose config says the variant another way. */
function entryFor(platform: Platform, entries: readonly LayoutEntry[]): LayoutEntry | undefined {
  return (
    entries.find((entry) => entry.platform === platform) ??
    entries.find((entry) => isSamePlatform(entry.platform, platform))
  );
}

function refused(got: string, next: string): BelayError {
  return new BelayError("INVALID_INPUT", { doing: "reading the input `platforms`", got, next });
}
