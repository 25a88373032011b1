import { loadOverrides, type Overrides } from "@belay/config";
import type { Inputs } from "@belay/core";

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

export type PushInputs = Omit<BuildInputs, "allowDirty" | "builder">;

export interface DeployInputs extends CommonInputs {
  /** Whether a comment is kept on the pull request. */
  readonly comment: boolean;
  readonly commentAuthor?: string;
}

export interface RollbackInputs extends DeployInputs {
  /** `previous`, a deployment's number, or a commit. */
  readonly to: string;
  /** Outside text. */
  readonly reason?: string;
}

export type PipelineInputs = BuildInputs & DeployInputs;

/** @throws BelayError INVALID_INPUT */
export function loadCommonInputs(inputs: Inputs): CommonInputs {
  const config = inputs.text("config");
  const environment = inputs.text("environment");
  const release = inputs.text("release");
  return {
    ...(config === undefined ? {} : { config }),
    ...(environment === undefined ? {} : { environment }),
    ...(release === undefined ? {} : { release }),
    githubToken: inputs.text("github-token") ?? "",
    overrides: loadOverrides(inputs),
  };
}

/** @throws BelayError INVALID_INPUT */
export function loadPushInputs(inputs: Inputs): PushInputs {
  return { ...loadCommonInputs(inputs), maxParallel: inputs.integer("max-parallel", 1, 64) ?? 2 };
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
  return { ...loadPushInputs(inputs), ...chosen, allowDirty: inputs.boolean("allow-dirty") ?? false };
}

/** @throws BelayError INVALID_INPUT */
export function loadDeployInputs(inputs: Inputs): DeployInputs {
  const commentAuthor = inputs.text("comment-author");
  return {
    ...loadCommonInputs(inputs),
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
  return { ...loadBuildInputs(inputs), ...loadDeployInputs(inputs) };
}
