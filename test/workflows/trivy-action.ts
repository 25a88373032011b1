import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, readText } from "../structure/source-files.ts";

/** What stands behind the wrapper's pin in a test. */
export interface TrivyActionAtHand {
  readonly name: string;
  readonly folder: string;
  readonly file: "action.yml" | "action.yaml";
  /** How often a call is written to `BELAY_RIG_RECORD`: the real one tells nobody what it was called with. */
  readonly recordsPerCall: 0 | 1;
}

/** SHA-256 of the two files of trivy-action that run, at the pinned commit. */
const REAL_FILES = {
  "action.yaml": "c3cc09c5daa296bc02a1651f6ad1205c6839ac9f0f317ffb204bd5e641a57d73",
  "entrypoint.sh": "5d35de70292a3461e55874ca658b3d8f6a56acc4d7098c64e546d965c34a0067",
};
const NOTHING = join(ROOT, "test/fixtures/actions/nothing");

export const STAND_IN: TrivyActionAtHand = {
  name: "the stand-in of trivy-action",
  folder: join(ROOT, "test/fixtures/actions/trivy-action"),
  file: "action.yml",
  recordsPerCall: 1,
};

/** The stand-in, and trivy-action itself where somebody has the pinned commit and says so with `BELAY_TRIVY_ACTION`. */
export const TRIVY_ACTIONS: readonly TrivyActionAtHand[] = [STAND_IN, ...realOnes()];

function realOnes(): readonly TrivyActionAtHand[] {
  const folder = process.env.BELAY_TRIVY_ACTION;
  if (folder === undefined) {
    console.info("trivy-action itself is not on this machine (BELAY_TRIVY_ACTION): only its stand-in is run.");
    return [];
  }
  for (const [name, sum] of Object.entries(REAL_FILES)) {
    const found = createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex");
    if (found !== sum)
      throw new Error(`${join(folder, name)} is not that of the pinned commit: its SHA-256 is ${found}`);
  }
  return [{ name: "trivy-action itself", folder, file: "action.yaml", recordsPerCall: 0 }];
}

/**
 * For `localRepositories`: the wrapper's pin, and the actions that trivy-action names in turn. It does not use them here:
 * setup-trivy is never asked for, and a cache of the database would be GitHub's.
 */
export function repositoriesOf({ folder, file }: TrivyActionAtHand): Record<string, string> {
  const pinsIn = (text: string): string[] => [...text.matchAll(/uses: (\S+@[0-9a-f]{40})/g)].map(([, pin = ""]) => pin);
  const pins = pinsIn(readText("actions/trivy/action.yml"));
  const inner = pinsIn(readFileSync(join(folder, file), "utf8"));
  return Object.fromEntries([...pins.map((pin) => [pin, folder]), ...inner.map((pin) => [pin, NOTHING])]);
}
