import {
  loadOverrides,
  loadScanOverrides,
  type Overrides,
  SCAN_FORMATS,
  SCANNER_SOURCES,
  type ScanOverrides,
} from "@belay/config";
import type { Inputs } from "@belay/core";
import type { ReportFormat, TrivyChoice, TrivySource } from "@belay/scan";
import { type AttachKind, loadAttachKinds } from "./attach-kind.ts";
import { UPLOADS, type Upload } from "./upload-kind.ts";

/** Inputs that every use case has. */
export interface CommonInputs {
  /** Path of belay.yaml as given. */
  readonly config?: string;
  readonly environment?: string;
  /** Path of the release document as given; its default is in {@link releasePath}. */
  readonly release?: string;
  readonly githubToken: string;
  readonly overrides: Overrides;
}

export interface BuildInputs extends CommonInputs {
  readonly allowDirty: boolean;
  /** Services built or pushed at a time. */
  readonly maxParallel: number;
  /** Name of buildx's builder; default: the one that it would use itself. */
  readonly builder?: string;
}

export interface PushInputs extends Omit<BuildInputs, "allowDirty" | "builder"> {
  /** Images are pushed only when they were scanned, or when this switches it off. */
  readonly scan: ScanOverrides;
  /** How long the whole push may take, waits that a registry asks for included. */
  readonly pushTimeoutMs: number;
  /** What of the scan is put beside the images. */
  readonly attach: readonly AttachKind[];
}

export interface ScanInputs extends CommonInputs {
  readonly scan: ScanOverrides;
  /** Default: this machine's, else a verified download. */
  readonly scanner?: TrivySource;
  /** Which release of Trivy a download takes. Default: the one that this version of Belay knows by its checksum. */
  readonly download?: TrivyChoice;
  /** Paths of reports that somebody else's step made of these images; then nothing is scanned here. */
  readonly reports: readonly string[];
  /** Written beside Trivy's own report. */
  readonly formats: readonly ReportFormat[];
  /** What GitHub is given of it. */
  readonly uploads: readonly Upload[];
}

export interface DeployInputs extends CommonInputs {
  /** Whether a comment is kept on the pull request. */
  readonly comment: boolean;
  readonly commentAuthor?: string;
}

/** Without `release`: what is told is what this run did, and its report or the ledger names the release of that. */
export type ReportInputs = Omit<DeployInputs, "release">;

export interface RollbackInputs extends DeployInputs {
  /** `previous`, a deployment's number, or a commit. */
  readonly to: string;
  /** Outside text. */
  readonly reason?: string;
}

export type PipelineInputs = BuildInputs & ScanInputs & PushInputs & DeployInputs;

const PUSH_TIMEOUT_MS = 60 * 60_000;

/** @throws BelayError INVALID_INPUT */
export function loadCommonInputs(inputs: Inputs): CommonInputs {
  const release = inputs.text("release");
  return { ...loadPlaceInputs(inputs), ...(release === undefined ? {} : { release }) };
}

/** Those that say where, and not what. */
function loadPlaceInputs(inputs: Inputs): Omit<CommonInputs, "release"> {
  const config = inputs.text("config");
  const environment = inputs.text("environment");
  return {
    ...(config === undefined ? {} : { config }),
    ...(environment === undefined ? {} : { environment }),
    githubToken: tokenOf(inputs),
    overrides: loadOverrides(inputs),
  };
}

/** What can't stand in a header is told at once, and not shown: the client would repeat it, and quote parts of it. */
function tokenOf(inputs: Inputs): string {
  const token = inputs.text("github-token") ?? "";
  if (/^[\x21-\x7e]*$/.test(token)) return token;
  const got = "it holds white space or characters that no token has";
  return inputs.refuse("github-token", got, "Give the token alone, on one line.");
}

/** @throws BelayError INVALID_INPUT */
export function loadPushInputs(inputs: Inputs): PushInputs {
  const pushTimeoutMs = inputs.durationMs("push-timeout") ?? PUSH_TIMEOUT_MS;
  if (pushTimeoutMs === 0) inputs.refuse("push-timeout", "its value is 0", "Give it some time, such as 30m.");
  return {
    ...loadCommonInputs(inputs),
    maxParallel: maxParallelOf(inputs),
    scan: loadScanOverrides(inputs),
    attach: loadAttachKinds(inputs),
    pushTimeoutMs,
  };
}

function maxParallelOf(inputs: Inputs): number {
  return inputs.integer("max-parallel", 1, 64) ?? 2;
}

/** @throws BelayError INVALID_INPUT */
export function loadScanInputs(inputs: Inputs): ScanInputs {
  const formats = wordsOf(inputs, "scan-formats", SCAN_FORMATS);
  const uploads = wordsOf(inputs, "scan-upload", UPLOADS);
  const scanner = inputs.choice("scanner", SCANNER_SOURCES);
  return {
    ...loadCommonInputs(inputs),
    scan: loadScanOverrides(inputs),
    ...(scanner === undefined ? {} : { scanner }),
    reports: inputs.list("report"),
    uploads,
    formats: SCAN_FORMATS.filter(
      (format) =>
        formats.includes(format) ||
        (format === "sarif" && uploads.includes("sarif")) ||
        (format === "github" && uploads.includes("dependencies")),
    ),
  };
}

function wordsOf<const T extends string>(inputs: Inputs, name: string, legal: readonly T[]): T[] {
  const words = (inputs.text(name) ?? "").split(/[\s,]+/).filter((word) => word !== "");
  const wrong = words.find((word) => !legal.some((one) => one === word));
  if (wrong !== undefined) {
    inputs.refuse(name, `it names ${JSON.stringify(wrong)}`, `Legal values: ${legal.join(", ")}.`);
  }
  return legal.filter((one) => words.includes(one));
}

/** @throws BelayError INVALID_INPUT */
export function loadBuildInputs(inputs: Inputs): BuildInputs {
  const builder = inputs.text("builder");
  if (builder !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(builder)) {
    inputs.refuse(
      "builder",
      `its value is ${JSON.stringify(builder)}`,
      "`docker buildx ls` lists the builders' names.",
    );
  }
  const chosen = builder === undefined ? {} : { builder };
  const allowDirty = inputs.boolean("allow-dirty") ?? false;
  return { ...loadCommonInputs(inputs), ...chosen, maxParallel: maxParallelOf(inputs), allowDirty };
}

/** @throws BelayError INVALID_INPUT */
export function loadDeployInputs(inputs: Inputs): DeployInputs {
  return { ...loadCommonInputs(inputs), ...loadReportInputs(inputs) };
}

/** @throws BelayError INVALID_INPUT */
export function loadReportInputs(inputs: Inputs): ReportInputs {
  const commentAuthor = inputs.text("comment-author");
  return {
    ...loadPlaceInputs(inputs),
    comment: inputs.boolean("comment") ?? true,
    ...(commentAuthor === undefined ? {} : { commentAuthor }),
  };
}

/** @throws BelayError INVALID_INPUT */
export function loadRollbackInputs(inputs: Inputs): RollbackInputs {
  const reason = inputs.text("reason");
  return {
    ...loadDeployInputs(inputs),
    to: inputs.text("to") ?? "previous",
    ...(reason === undefined ? {} : { reason }),
  };
}

/** @throws BelayError INVALID_INPUT */
export function loadPipelineInputs(inputs: Inputs): PipelineInputs {
  return {
    ...loadBuildInputs(inputs),
    ...loadScanInputs(inputs),
    ...loadPushInputs(inputs),
    ...loadDeployInputs(inputs),
  };
}
