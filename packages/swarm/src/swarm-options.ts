import type { Clock, Log, Redactor, Runner, Scope } from "@belay/core";
import type { Docker, RegistryAuth } from "@belay/docker";
import type { StackFiles } from "./desired.ts";

export interface SwarmOptions {
  /** Client of a manager of the swarm. Closed by its owner. */
  readonly docker: Docker;
  readonly runner: Runner;
  /** `scope.project` is the stack's name. */
  readonly scope: Scope;
  /** Services of `belay.yaml`, with their full names on the engine where those are given (`shop_web`). */
  readonly services: Readonly<Record<string, { readonly name?: string }>>;
  /** Files of the whole stack; none: existing services get another image and nothing else. */
  readonly stack?: StackFiles;
  /** In front of commands that people are told: `["--context", "staging"]`. */
  readonly cliArgs?: readonly string[];
  readonly log: Log;
  readonly clock: Clock;
  readonly redactor: Redactor;
  /** Whether a registry still has an image; asked for the new one (is it there?) and the old one (is there a way back?). */
  readonly imageAvailable?: (reference: string) => Promise<"yes" | "no" | "cannot tell">;
  /** Credentials for pulling from a registry (`ghcr.io`): the engine keeps them with the service, for every node. */
  readonly registryAuth?: (registry: string) => Promise<RegistryAuth | undefined>;
}
