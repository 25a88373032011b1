import { type Inputs, pinnedReference, type Release, releaseDigest } from "@belay/core";
import {
  build,
  loadBuildInputs,
  loadPushInputs,
  loadSignInputs,
  type PipelineContext,
  push,
  sign,
} from "@belay/pipeline";
import type { CommandResult } from "./run-command.ts";

export async function runBuild(context: PipelineContext, inputs: Inputs): Promise<CommandResult> {
  const built = await build(context, loadBuildInputs(inputs));
  return describe("Built", built);
}

export async function runPush(context: PipelineContext, inputs: Inputs): Promise<CommandResult> {
  const pushed = await push(context, loadPushInputs(inputs));
  return describe("Pushed", pushed);
}

export async function runSign(context: PipelineContext, inputs: Inputs): Promise<CommandResult> {
  const signed = await sign(context, loadSignInputs(inputs));
  return describe("Signed", signed);
}

function describe(verb: string, made: { release: Release; releasePath: string }): CommandResult {
  const { release, releasePath } = made;
  const images = Object.entries(release.services).map(([name, image]) => ({
    service: name,
    image: pinnedReference(image) ?? `${image.repository}:${image.tags[0] ?? ""}`,
    tags: image.tags,
  }));
  const lines = images.map(({ service, image }) => `  ${service.padEnd(16)} ${image}`);
  const text = [
    `${verb} ${release.application} at ${release.source.revision.slice(0, 12)}:`,
    ...lines,
    `Release: ${releasePath}`,
    "",
  ];
  const json = {
    outcome: "succeeded",
    cause: null,
    release: releaseDigest(release),
    releasePath,
    revision: release.source.revision,
    services: images,
  };
  return { text: text.join("\n"), json, exitCode: 0 };
}
