import { BelayError } from "@belay/core";
import type { NetworkAttachment } from "@belay/docker";
import { compact } from "./compact.ts";
import { type StackAttachment, type StackDocument, scopedName } from "./stack-document.ts";

/** Names of networks that each engine has and that take no aliases (moby, `container.NetworkMode.IsUserDefined`). */
const PREDEFINED: ReadonlySet<string> = new Set(["default", "bridge", "host", "none"]);

export function isUserDefined(network: string): boolean {
  return !PREDEFINED.has(network) && !network.startsWith("container:");
}

/**
 * The networks of a service by their names on the engine, `default` when the files name none. Each task answers to the
 * service's key there. @throws BelayError CONFIG_INVALID when a network is not defined.
 */
export function translateAttachments(
  networks: Readonly<Record<string, StackAttachment | null>> | undefined,
  document: StackDocument,
  stack: string,
  service: string,
): NetworkAttachment[] {
  const given = networks !== undefined && Object.keys(networks).length > 0 ? networks : { default: {} };
  const all = Object.entries(given).map(([key, attachment]) => {
    if (document.networks[key] === undefined && key !== "default") {
      const doing = `translating the networks of the service ${service}`;
      throw new BelayError("CONFIG_INVALID", { doing, got: `the files define no network ${key}` });
    }
    const Target = scopedName(stack, key, document.networks[key]?.name);
    const aliases = attachment?.aliases ?? [];
    return compact({
      Target,
      Aliases: isUserDefined(Target) ? [...aliases, service] : aliases,
      DriverOpts: attachment?.driver_opts,
    });
  });
  return all.sort((a, b) => (a.Target < b.Target ? -1 : a.Target > b.Target ? 1 : 0));
}
