import { type Inputs, pinnedReference, type Release, releaseDigest } from "@belay/core";
import { loadBuildInputs, loadPushInputs, loadSignInputs, type PipelineContext } from "@belay/pipeline";
import type { CommandResult } from "./run-command.ts";

export async function runBuild(context: PipelineContext, inputs: Inputs): Promise<CommandResult> {
  const given = loadBuildInputs(inputs);
  const { build } = await import("@belay/pipeline/build");
  const built = await build(context, given);
  return describe("Built", built);
}

export async function runPush(context: PipelineContext, inputs: Inputs): Promise<CommandResult> {
  const given = loadPushInputs(inputs);
  const { push } = await import("@belay/pipeline/push");
  const pushed = await push(context, given);
  return describe("Pushed", pushed);
}

export async function runSign(context: PipelineContext, inputs: Inputs): Promise<CommandResult> {
  const given = loadSignInputs(inputs);
  const { sign } = await import("@belay/pipeline/sign");
  const signed = await sign(context, given);
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
