/**
 * Writes the commit of a release into every place that shows how to use the suite:
 * `npm run pin -- <commit SHA> [v1.2.3]`. Examples and documentation always name one and the same commit.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const USES = /(belay-deploy\/belay(?:\/[\w./-]+)?)@([0-9a-f]{40})(?:[ \t]+# v[\w.+-]+)?/g;

/** Commit and version as they stand behind the `@`. */
export interface Pin {
  readonly sha: string;
  /** With its `v`. */
  readonly version?: string;
}

/** `text` with every `belay-deploy/belay…@<commit>` at `pin`. Everything else is kept. @throws Error for no full SHA */
export function repin(text: string, pin: Pin): string {
  if (!/^[0-9a-f]{40}$/.test(pin.sha)) throw new Error(`${JSON.stringify(pin.sha)} is no full commit SHA`);
  if (pin.version !== undefined && !/^v\d[\w.+-]*$/.test(pin.version)) {
    throw new Error(`${JSON.stringify(pin.version)} is no version: write it as v1.2.3`);
  }
  const version = pin.version === undefined ? "" : ` # ${pin.version}`;
  return text.replaceAll(USES, (_all, uses: string) => `${uses}@${pin.sha}${version}`);
}

/** Every pin of the suite in `text`, as written: `<40 digits> # v1.2.3`. */
export function pinsIn(text: string): string[] {
  return [...text.matchAll(USES)].map((match) => match[0].slice(match[0].indexOf("@") + 1));
}

/** Files that may name the suite's commit, as paths from the root. */
export function pinnedFiles(root: string): string[] {
  const places = ["README.md", "CONTRIBUTING.md", "docs", "examples", "actions", ".github/workflows"];
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", ...places];
  const paths = execFileSync("git", args, { cwd: root, encoding: "utf8" }).split("\0");
  return paths.filter((path) => /\.(md|ya?ml)$/.test(path));
}

/** Rewrites the files of the working tree. Returns the paths that changed. */
export function pinFiles(root: string, pin: Pin): string[] {
  return pinnedFiles(root).filter((path) => {
    const before = readFileSync(join(root, path), "utf8");
    const after = repin(before, pin);
    if (after === before) return false;
    writeFileSync(join(root, path), after);
    return true;
  });
}

if (import.meta.main) {
  const [sha = "", version] = process.argv.slice(2);
  const changed = pinFiles(resolve(import.meta.dirname, ".."), { sha, ...(version === undefined ? {} : { version }) });
  console.log(changed.length === 0 ? "nothing to change" : changed.join("\n"));
}
