import { isBelayError } from "@belay/core";
import type { Docker } from "@belay/docker";
import {
  type Authenticator,
  createAuthenticator,
  createRegistryClient,
  insecureRegistries,
  type RegistryClient,
} from "@belay/registry";
import type { PipelineContext } from "./context.ts";

/** Registries as this run may use them. */
export interface RegistryAccess {
  readonly auth: Authenticator;
  readonly client: RegistryClient;
}

/**
 * Credentials from the docker config (for ghcr.io also the token), and a client that treats the same registries as
 * insecure as the engine does.
 */
export async function registryAccess(
  context: PipelineContext,
  docker: Docker,
  githubToken: string,
): Promise<RegistryAccess> {
  const { env, runner, redactor, log, clock, signal } = context;
  const token = githubToken === "" ? {} : { GITHUB_TOKEN: githubToken };
  const auth = createAuthenticator({ env: { ...env, ...token }, runner, redactor });
  const insecure = insecureRegistries(await docker.info({ signal }));
  return { auth, client: createRegistryClient({ auth, redactor, log, clock, insecure, signal }) };
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
    const registry = reference.slice(0, reference.indexOf("/"));
    const credentials = await auth.engineAuth(registry);
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
