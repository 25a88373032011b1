import { isBelayError, parseReference } from "@belay/core";
import type { Docker } from "@belay/docker";
import {
  type Authenticator,
  createAuthenticator,
  createRegistryClient,
  insecureRegistries,
  type RegistryClient,
} from "@belay/registry";
import type { PipelineContext } from "../run/context.ts";

/** Registries as this run may use them. */
export interface RegistryAccess {
  readonly auth: Authenticator;
  readonly client: RegistryClient;
}

/**
 * Credentials from the docker config (for ghcr.io also the token), and a client that treats the same registries as
 * insecure as the engine does; without an engine those on loopback. `attempts` and `patienceMs`: see
 * {@link createRegistryClient}.
 */
export async function registryAccess(
  context: PipelineContext,
  docker: Docker | undefined,
  githubToken: string,
  attempts?: number,
  patienceMs?: number,
): Promise<RegistryAccess> {
  const { redactor, log, clock, signal } = context;
  const auth = authenticatorOf(context, githubToken);
  const tries = { ...(attempts && { attempts }), ...(patienceMs && { patienceMs }) };
  const insecure = insecureRegistries(await docker?.info({ signal }));
  return { auth, client: createRegistryClient({ auth, redactor, log, clock, insecure, signal, ...tries }) };
}

/** Credentials from the docker config, for ghcr.io also the token. */
export function authenticatorOf({ env, runner, redactor }: PipelineContext, githubToken: string): Authenticator {
  const token = githubToken === "" ? {} : { GITHUB_TOKEN: githubToken };
  return createAuthenticator({ env: { ...env, ...token }, runner, redactor });
}

/**
 * Whether the *engine* gets an image from its registry, which is what counts: the runner may see another network.
 * `no` only when the registry says that it has no such image; without access or an answer nobody can tell.
 */
export function imageAvailability(
  docker: Docker,
  auth: Authenticator,
): (reference: string) => Promise<"yes" | "no" | "cannot tell"> {
  return async (reference) => {
    const { EngineError, isNotFound } = await import("@belay/docker");
    const registry = parseReference(reference)?.registry;
    const credentials = registry === undefined ? undefined : await auth.engineAuth(registry);
    try {
      await docker.images.distribution(reference, credentials === undefined ? {} : { auth: credentials });
      return "yes";
    } catch (error) {
      if (isNotFound(error) && /not found|manifest unknown|no such/i.test(error.engineMessage)) return "no";
      if (error instanceof EngineError || isBelayError(error, "TIMED_OUT")) return "cannot tell";
      throw error;
    }
  };
}

/**
 * The same as this machine sees it, where an engine can't be asked. The cluster may see other registries, so that only a
 * clear "there is no such image" counts.
 */
export function imageAtRegistry(client: RegistryClient): (reference: string) => Promise<"yes" | "no" | "cannot tell"> {
  return async (reference) => {
    const at = reference.lastIndexOf("@");
    // Only what is pinned can be asked for: what a tag means may change at any time.
    if (at < 0) return "cannot tell";
    try {
      const found = await client.manifest(reference.slice(0, at), reference.slice(at + 1));
      return found === undefined ? "no" : "yes";
    } catch (error) {
      if (isBelayError(error, "REGISTRY_UNREACHABLE", "REGISTRY_UNAUTHORISED", "REGISTRY_ERROR", "TIMED_OUT")) {
        return "cannot tell";
      }
      throw error;
    }
  };
}
