import type { ContainerSpec } from "@belay/docker";

interface Privileges {
  readonly CredentialSpec?: { readonly Config?: string } | null;
}

/**
 * Name of the config that holds the credential spec (of Windows), if one does. The engine names that config by its id, and
 * files by its name; either way the same config stands in `Configs`, with the name.
 */
export function credentialSpecByName(container: ContainerSpec): string | undefined {
  const config = (container.Privileges as Privileges | null | undefined)?.CredentialSpec?.Config;
  if (!config) return undefined;
  return container.Configs?.find(({ ConfigID, ConfigName }) => [ConfigID, ConfigName].includes(config))?.ConfigName;
}

/** The same container with this in the credential spec's place; `undefined`: as it is. */
export function withCredentialSpec(container: ContainerSpec, config: string | undefined): ContainerSpec {
  if (config === undefined) return container;
  const privileges = container.Privileges as Privileges;
  return {
    ...container,
    Privileges: { ...privileges, CredentialSpec: { ...privileges.CredentialSpec, Config: config } },
  };
}
