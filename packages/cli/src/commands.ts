import { BUILD_INPUT_TEXTS, type BuildInput, OVERRIDE_INPUTS, type OverrideInput, SCAN_INPUTS } from "@belay/config";
import { type Option, optionKind } from "./arguments.ts";

export interface Command {
  readonly name:
    | "build"
    | "scan"
    | "push"
    | "sign"
    | "deploy"
    | "run"
    | "rollback"
    | "plan"
    | "status"
    | "report"
    | "reconcile"
    | "prune";
  readonly summary: string;
  readonly options: readonly Option[];
}

const COMMON = {
  config: "Path of belay.yaml. Default: belay.yaml or belay.yml where there is one.",
  environment: "Environment of belay.yaml, such as staging. Default: the only one it has.",
  "working-directory": "Folder that paths are relative to. Default: the current one.",
  json: "Print one JSON object as the last line; everything else goes to standard error.",
  help: "Show this.",
} as const;

const RELEASE = {
  release:
    "Path of the release document. Default: release.json in a folder of this checkout below the temporary folder (in GitHub Actions: in the job's).",
} as const;
const PARALLEL = { "max-parallel": "How many services are built or pushed at a time. Default: 2." } as const;
const PUSH_TIME = {
  "push-timeout": "How long the push may take, waits that a registry asks for included. Default: 1h.",
} as const;
const ATTACH = {
  attach:
    "What of the scan is put beside the images: sbom (what scan-formats wrote), scan (the reports), both, or none. Default: sbom.",
} as const;
const PRUNING = {
  last: "Newest images of each repository that stay in any case. Default: 10.",
  "keep-younger-than":
    "Images that were pushed within this time stay: their release may wait for an approval. 0: age saves none. Default: 7d.",
  "dry-run": "Whether to only say what would go: true or false. Default: true.",
  "github-registry":
    "Host of the container registry of a GitHub Enterprise Server, which deletes through its API as ghcr.io does.",
} as const;
const SIGN = { sign: "Sign what was pushed, before it is deployed." } as const;
const SIGNING = {
  "max-parallel": "How many images are signed at a time. Default: 2.",
  "fulcio-url": "Authority that certifies who signs without a key. Default: Sigstore's public one.",
  "rekor-url":
    "Log (Rekor) in which the signature becomes public. Default without a key: Sigstore's public one; with a key: none.",
} as const;
const DIRTY = { "allow-dirty": "Build although files differ from the commit; the image is then labelled so." } as const;
const BUILDER = {
  builder: "Builder of docker buildx. Default: the one that buildx itself would use.",
} as const;
const SCAN = {
  ...SCAN_INPUTS,
  scanner:
    "Where Trivy comes from: installed (on this machine), download (verified by checksum), or server (installed, with a server's database). Default: installed where it is, else download.",
  "scan-formats": "Further reports to write: sarif, cyclonedx, spdx-json, github (a dependency snapshot).",
  "scan-upload":
    "What GitHub is given of the scan: sarif (code scanning), dependencies (the dependency graph). Default: nothing.",
} as const;
const MARKDOWN = { markdown: "Print it as Markdown, as the pull request would get it." } as const;
const BACK = {
  to: "previous, the number of a deployment, or a commit (full, or at least 7 digits of it). Default: previous.",
  reason: "Why, for the ledger and the report.",
} as const;
const COMMENT = {
  comment: "Whether to keep a comment on the pull request: true or false. Default: true.",
  "comment-author": "Login whose comments with Belay's mark are trusted besides the token's own.",
} as const;

const MORE_BUILD_INPUTS = Object.keys(BUILD_INPUT_TEXTS) as BuildInput[];

/** Inputs of belay.yaml's build side. */
export const BUILD_INPUTS = [
  "application",
  "service",
  "image",
  "build-context",
  "dockerfile",
  "build-target",
  "test-target",
  "build-args",
  "platforms",
  ...MORE_BUILD_INPUTS,
  "variables",
] as const satisfies readonly OverrideInput[];

const ONLY_BUILD: readonly string[] = [
  "build-context",
  "dockerfile",
  "build-target",
  "test-target",
  "build-args",
  "platforms",
  ...MORE_BUILD_INPUTS,
];

/** Inputs that tell the scan what runs. */
const RUNNING = ["variables", "context", "host", "kubeconfig"] as const satisfies readonly OverrideInput[];

/** Inputs that are secrets: the command line takes them from the environment (main.ts). */
const HIDDEN: readonly string[] = ["kubeconfig-data"];

const OPTIONS = (Object.keys(OVERRIDE_INPUTS) as OverrideInput[]).filter((name) => !HIDDEN.includes(name));

/** Inputs of belay.yaml's deploy side. */
export const DEPLOY_INPUTS = OPTIONS.filter((name) => !ONLY_BUILD.includes(name));

function pick(names: readonly OverrideInput[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, OVERRIDE_INPUTS[name]]));
}

function command(
  name: Command["name"],
  summary: string,
  ...groups: readonly Readonly<Record<string, string>>[]
): Command {
  const options = Object.entries(Object.assign({}, COMMON, ...groups) as Record<string, string>);
  return {
    name,
    summary,
    options: options.map(([option, description]) => describeOption(option, description)),
  };
}

/** An action's input is given as `true`; the option of the same name takes no value. */
function describeOption(name: string, text: string): Option {
  const kind = optionKind(name);
  return { name, description: kind === "flag" ? text.replace(/: true or false\./, ".") : text, kind };
}

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  command(
    "build",
    "Build the images of the commit that is checked out, tests first, and write the release.",
    pick(BUILD_INPUTS),
    BUILDER,
    DIRTY,
    PARALLEL,
    RELEASE,
  ),
  command(
    "scan",
    "Scan every platform of what was built, and stop what the gate does not let pass.",
    SCAN,
    { report: "A report that `trivy image --format json` made of these images; then nothing is scanned here." },
    pick(RUNNING),
    RELEASE,
  ),
  command(
    "push",
    "Push what was built and scanned, and read its identity back from the registry.",
    { scan: SCAN_INPUTS.scan },
    PARALLEL,
    PUSH_TIME,
    ATTACH,
    RELEASE,
  ),
  command(
    "sign",
    "Sign what was pushed, as cosign does it: with the key in COSIGN_PRIVATE_KEY, or as the workflow that this is.",
    SIGNING,
    RELEASE,
  ),
  command(
    "deploy",
    "Put a release on its target, watch it, and take it off again when it is bad.",
    pick(DEPLOY_INPUTS),
    COMMENT,
    RELEASE,
  ),
  command(
    "run",
    "All of it: build, test, scan, push, deploy, report.",
    pick(OPTIONS),
    BUILDER,
    SCAN,
    DIRTY,
    SIGN,
    SIGNING,
    PARALLEL,
    PUSH_TIME,
    ATTACH,
    COMMENT,
    RELEASE,
  ),
  command(
    "rollback",
    "Go back to an earlier deployment, watch it, and undo that when it is bad.",
    BACK,
    pick(DEPLOY_INPUTS),
    COMMENT,
  ),
  command(
    "plan",
    "Show what a deployment would change and what speaks against it. Changes nothing.",
    pick(DEPLOY_INPUTS),
    MARKDOWN,
    RELEASE,
  ),
  command(
    "status",
    "Show what truly runs: release, commit, digests, instances, since when, by whom.",
    pick(DEPLOY_INPUTS),
  ),
  command(
    "report",
    "Tell the pull request what happened, from the report or from the target's ledger.",
    pick(DEPLOY_INPUTS),
    COMMENT,
  ),
  command(
    "prune",
    "Show, or delete, images of commits that no environment needs any more.",
    PRUNING,
    pick(["variables"]),
  ),
  command("reconcile", "Finish or undo what a run that died left on the target.", pick(DEPLOY_INPUTS)),
];
