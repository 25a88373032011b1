import {
  BelayError,
  deriveRelease,
  type ImageIdentity,
  isOwn,
  mapBounded,
  type Release,
  readRelease,
  writeRelease,
} from "@belay/core";
import { attachRelease } from "@belay/registry";
import { withRegistry } from "../access/with-registry.ts";
import { timedStage } from "../report/stages.ts";
import { withFailureReport } from "../report/with-failure-report.ts";
import type { PipelineContext } from "../run/context.ts";
import { releasePath } from "../run/places.ts";
import type { PushInputs } from "../run/use-case-inputs.ts";
import { requireTrusted } from "../trust/require-trusted.ts";
import type { SignInputs } from "./sign-inputs.ts";
import { type SignatureMaker, signatureMaker } from "./signature-maker.ts";

export interface Signed {
  readonly release: Release;
  readonly releasePath: string;
  /** What was signed: `repository@sha256:…` by service. */
  readonly images: Readonly<Record<string, string>>;
  /** `key:<SHA-256 of the public key>`, or `identity`: the certificate says whose. */
  readonly by: string;
}

/**
 * Signs what was built and pushed, by digest, and writes the next release. With a key, which comes from the environment
 * alone, as cosign takes it: `COSIGN_PRIVATE_KEY` (with `COSIGN_PASSWORD` when it is encrypted). Without one, as the
 * workflow that this is, where the job has `id-token: write`.
 * @throws BelayError INVALID_INPUT, RELEASE_INVALID, PUSH_FAILED, REGISTRY_*; written into the report too.
 */
export function sign(context: PipelineContext, inputs: SignInputs): Promise<Signed> {
  return withFailureReport(context, inputs, false, async (facts, run) => {
    const path = releasePath(context, inputs);
    const pushed = await readRelease(path);
    facts.application = pushed.application;
    facts.source = pushed.source;
    await requireTrusted(run, { doing: "signing", source: pushed.source });
    const maker = await signatureMaker(context, inputs.sigstore);
    const done = await timedStage(context, "sign", () => signAll(context, inputs, pushed, maker), describeSigned);
    await writeRelease(path, done.release);
    return { ...done, releasePath: path };
  });
}

/** Only what this application built: others' images are theirs to sign. */
function signable(release: Release): [string, Required<Pick<ImageIdentity, "repository" | "digest">>][] {
  const own = Object.entries(release.services).filter(([, image]) => isOwn(image));
  return own.map(([service, { repository, digest }]) => {
    if (digest !== undefined) return [service, { repository, digest }];
    const got = `the image of ${service} was not pushed`;
    throw new BelayError("RELEASE_INVALID", { doing: "signing the images", got, next: "Push it first." });
  });
}

async function signAll(
  context: PipelineContext,
  inputs: PushInputs,
  pushed: Release,
  maker: SignatureMaker,
): Promise<Omit<Signed, "releasePath">> {
  const { clock, log, signal } = context;
  const images = signable(pushed);
  return withRegistry(context, inputs, "if it answers", async (registry) => {
    await mapBounded(images, inputs.maxParallel, signal, async ([service, image], inner) => {
      const done = await maker.sign({ registry, clock, log, ...image, signal: inner });
      log.info(`${service}: ${image.repository}@${image.digest} is ${done}.`);
    });
    const { by } = maker;
    const now = clock.date().toISOString();
    const evidence = { sign: { signedAt: now, by, services: images.map(([service]) => service) } };
    const release = deriveRelease(pushed, { stage: "sign", evidence, createdAt: now });
    await attachRelease({ registry, release, clock, log, signal });
    const names = images.map(([service, { repository, digest }]) => [service, `${repository}@${digest}`]);
    return { release, images: Object.fromEntries(names), by };
  });
}

function describeSigned({ images, by }: Pick<Signed, "images" | "by">): string {
  return `${Object.values(images).join(", ")} by ${by}`;
}
