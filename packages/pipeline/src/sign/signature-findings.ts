import { readFile } from "node:fs/promises";
import type { Settings, SignatureRequirement } from "@belay/config";
import { BelayError, type Digest, type Finding, type ImageIdentity, isBelayError, messageOf } from "@belay/core";
import type { RegistryClient } from "@belay/registry";
import { checkIdentity, checkSignature, loadPublicKey, type SignatureCheck } from "@belay/sign";
import { engineAskedFor, withRegistry } from "../access/with-registry.ts";
import type { PipelineContext } from "../run/context.ts";
import type { CommonInputs } from "../run/use-case-inputs.ts";
import { attestationsAtGitHub } from "./attestations-at-github.ts";

type Check = (registry: RegistryClient, repository: string, digest: Digest) => Promise<SignatureCheck>;

/** Images by service, as the registry may have them. */
export type Examined = Readonly<Record<string, Pick<ImageIdentity, "repository" | "digest">>>;

/**
 * A refusal for each of the images that does not carry the signature that its environment asks for. What can't be
 * read at the registry is not proven, so it is refused, too.
 * @throws BelayError CONFIG_INVALID when the key, or whom to trust, can't be read
 */
export async function signatureFindings(
  context: PipelineContext,
  inputs: CommonInputs,
  settings: Settings,
  examined: Examined,
  remedy = SIGN_IT,
): Promise<readonly Finding[]> {
  const { requireSignature } = settings;
  if (requireSignature === undefined) return [];
  const check = await checkOf(context, inputs, requireSignature);
  const images = Object.entries(examined).filter(([service, image]) => !isExcepted(context, settings, service, image));
  return withRegistry(context, inputs, engineAskedFor(settings), async (registry) => {
    const found = await Promise.all(
      images.map(([service, image]) => findingOf(context, registry, service, image, check, remedy)),
    );
    return found.filter((one) => one !== undefined);
  });
}

/** The very image that belay.yaml pins: who may change that may change the requirement. */
function isExcepted(
  { log }: PipelineContext,
  { requireSignature, services }: Settings,
  service: string,
  { repository, digest }: Examined[string],
): boolean {
  const pinned = services[service]?.reference;
  const named = requireSignature?.except?.includes(service) ?? false;
  if (!named || digest === undefined || pinned?.digest !== digest || pinned.repository !== repository) return false;
  log.info(`${service}: ${repository}@${digest} needs no signature: belay.yaml excepts and pins it.`);
  return true;
}

async function checkOf(
  context: PipelineContext,
  { githubToken }: CommonInputs,
  required: SignatureRequirement,
): Promise<Check> {
  if (!("keyFile" in required)) {
    const atGitHub = attestationsAtGitHub(context, githubToken, required);
    return (...image) => checkIdentity(...image, required, atGitHub);
  }
  const key = await readKey(required.keyFile);
  return (...image) => checkSignature(...image, key);
}

async function readKey(path: string): Promise<ReturnType<typeof loadPublicKey>> {
  const doing = "reading the key of `require-signature`";
  try {
    return loadPublicKey(await readFile(path, "utf8"), doing);
  } catch (error) {
    const next = "Give the path of cosign.pub, relative to belay.yaml.";
    const got = isBelayError(error) ? `${path}: ${error.got}` : messageOf(error);
    throw new BelayError("CONFIG_INVALID", { doing, got, next, cause: error });
  }
}

const SIGN_IT =
  "Sign it after the push with `belay sign` (actions/sign) or cosign; where an `identity` is required, actions/attest-build-provenance will do, too.";

async function findingOf(
  context: PipelineContext,
  registry: RegistryClient,
  service: string,
  { repository, digest }: Examined[string],
  check: Check,
  remedy: string,
): Promise<Finding | undefined> {
  const refuse = (message: string, next = remedy): Finding => {
    return { level: "refuse", check: "signature_missing", service, message, remedy: next };
  };
  if (digest === undefined) return refuse("its image was not pushed, so that nobody can have signed it");
  const name = `${repository}@${digest}`;
  try {
    const found = await check(registry, repository, digest);
    if (!found.signed) return refuse(`${name}: ${found.why}`);
    context.log.info(`${service}: ${name} is signed by ${found.by}.`);
    return undefined;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isBelayError(error) || error.code === "CONFIG_INVALID") throw error;
    return refuse(`the signature of ${name} could not be read: ${error.got}`, error.next);
  }
}
