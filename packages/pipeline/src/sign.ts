import {
  BelayError,
  deriveRelease,
  type ImageIdentity,
  mapBounded,
  type Release,
  readRelease,
  writeRelease,
} from "@belay/core";
import { attachRelease, type RegistryClient } from "@belay/registry";
import { keyId, loadSigningKey, type SigningKey, signImage } from "@belay/sign";
import type { PipelineContext } from "./context.ts";
import { releasePath } from "./places.ts";
import { registryAccess } from "./registry-access.ts";
import { timedStage } from "./stages.ts";
import type { PushInputs } from "./use-case-inputs.ts";
import { withFailureReport } from "./with-failure-report.ts";

export interface Signed {
  readonly release: Release;
  readonly releasePath: string;
  /** What was signed: `repository@sha256:…` by service. */
  readonly images: Readonly<Record<string, string>>;
  /** SHA-256 of the public key. */
  readonly keyId: string;
}

/**
 * Signs what was built and pushed, by digest, and writes the next release. The key comes from the environment alone, as
 * cosign takes it: `COSIGN_PRIVATE_KEY` (with `COSIGN_PASSWORD` when it is encrypted).
 * @throws BelayError INVALID_INPUT, RELEASE_INVALID, PUSH_FAILED, REGISTRY_*; written into the report too.
 */
export function sign(context: PipelineContext, inputs: PushInputs): Promise<Signed> {
  return withFailureReport(context, inputs, false, async (facts) => {
    const path = releasePath(context, inputs);
    const pushed = await readRelease(path);
    facts.application = pushed.application;
    facts.source = pushed.source;
    const key = await readKey(context);
    const done = await timedStage(context, "sign", () => signAll(context, inputs, pushed, key), describeSigned);
    await writeRelease(path, done.release);
    return { ...done, releasePath: path };
  });
}

async function readKey({ env, redactor }: PipelineContext): Promise<SigningKey> {
  const [pem = "", password = ""] = [env.COSIGN_PRIVATE_KEY, env.COSIGN_PASSWORD];
  for (const secret of [pem, password]) redactor.add(secret);
  if (pem.trim() !== "") return loadSigningKey(pem, password);
  throw new BelayError("INVALID_INPUT", {
    doing: "signing the images",
    got: "the environment variable COSIGN_PRIVATE_KEY is empty",
    next: "Give the step the text of cosign.key in `env:`, from a secret, and its password in COSIGN_PASSWORD.",
  });
}

/** Only what this application built: others' images are theirs to sign. */
function signable(release: Release): [string, Required<Pick<ImageIdentity, "repository" | "digest">>][] {
  const own = Object.entries(release.services).filter(([, image]) => image.tags.length > 0);
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
  key: SigningKey,
): Promise<Omit<Signed, "releasePath">> {
  const { clock, log, signal } = context;
  const images = signable(pushed);
  return withClient(context, inputs, async (registry) => {
    await mapBounded(images, inputs.maxParallel, signal, async ([service, image], inner) => {
      const done = await signImage({ registry, clock, ...image, signal: inner }, key);
      log.info(`${service}: ${image.repository}@${image.digest} is ${done}.`);
    });
    const id = keyId(key.publicKey);
    const now = clock.date().toISOString();
    const evidence = { sign: { signedAt: now, key: id, services: images.map(([service]) => service) } };
    const release = deriveRelease(pushed, { stage: "sign", evidence, createdAt: now });
    await attachRelease({ registry, release, clock, log, signal });
    const names = images.map(([service, { repository, digest }]) => [service, `${repository}@${digest}`]);
    return { release, images: Object.fromEntries(names), keyId: id };
  });
}

/** With an engine it also knows which registries are insecure; none has to be there. */
async function withClient<T>(
  context: PipelineContext,
  inputs: PushInputs,
  work: (registry: RegistryClient) => Promise<T>,
): Promise<T> {
  const { connectDocker } = await import("@belay/docker");
  const { redactor, signal, clock, log } = context;
  const answering = async () => {
    const engine = await connectDocker({ redactor, signal, clock });
    return engine.info({ signal }).then(
      () => engine,
      async (error: unknown) => {
        await engine.close();
        throw error;
      },
    );
  };
  const docker = await answering().catch((error: unknown) => {
    signal.throwIfAborted();
    log.debug(`no engine answers: ${String(error)}`);
    return undefined;
  });
  try {
    const { client } = await registryAccess(context, docker, inputs.githubToken);
    try {
      return await work(client);
    } finally {
      client.close();
    }
  } finally {
    await docker?.close();
  }
}

function describeSigned({ images, keyId: id }: Pick<Signed, "images" | "keyId">): string {
  return `${Object.values(images).join(", ")} by the key ${id.slice(0, 16)}`;
}
