import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../../../..");
const SUITE = "belay-deploy/belay";

/** Foreign actions that the examples use, and the stand-ins that do the same thing without a network. */
const STAND_INS: Readonly<Record<string, string>> = {
  "actions/checkout": join(ROOT, "test/fixtures/actions/checkout"),
  "docker/login-action": join(ROOT, "test/fixtures/actions/login"),
  "docker/setup-buildx-action": join(ROOT, "test/fixtures/actions/setup-buildx"),
};

/** The suite as somebody who uses it gets it: the action files and the bundles, nothing else. */
export interface SuiteCheckout {
  readonly folder: string;
  remove(): Promise<void>;
}

/** Copies what of the suite runs on a runner (`action.yml`, `actions/`, `dist/`), without sources and node_modules. */
export async function checkOutSuite(): Promise<SuiteCheckout> {
  const folder = await mkdtemp(join(tmpdir(), "belay-suite-"));
  for (const name of ["action.yml", "actions", "dist"]) {
    await cp(join(ROOT, name), join(folder, name), {
      recursive: true,
      filter: (path) => !path.endsWith(".ts") && !path.includes("node_modules"),
    });
  }
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/**
 * Where each remote action of a workflow's text is found on this machine, for `localRepositories`: stand-ins for the
 * foreign ones, `suiteFolder` for the suite's own.
 * @throws Error when the text uses an action that has no stand-in
 */
export function localActions(workflowText: string, suiteFolder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, action = "", ref = ""] of workflowText.matchAll(/\buses:\s*["']?([\w.-]+\/[\w./-]+)@([\w./-]+)/g)) {
    const repository = action.split("/").slice(0, 2).join("/");
    const folder = repository === SUITE ? suiteFolder : STAND_INS[repository];
    if (folder === undefined) throw new Error(`there is no stand-in for ${action}`);
    found[`${repository}@${ref}`] = folder;
  }
  return found;
}
