import type { ContainerCreateBody, ContainerInspect, EndpointSettings } from "@belay/docker";

/** A container as it was, enough to make one that is the same in all but its id. */
export interface Recreation {
  readonly name: string;
  readonly body: ContainerCreateBody;
  /** Further networks, to be joined before the start: engines before API 1.44 take only one in the creation. */
  readonly connections: readonly { readonly network: string; readonly endpoint: EndpointSettings }[];
}

/**
 * Turns what `inspect` shows back into what `create` takes. `image` is what to run: the reference when it still means the
 * same image, else the image's id. Anonymous volumes are attached again by their names, so that their data is kept.
 */
export function recreationOf(inspect: ContainerInspect, image: string): Recreation {
  const { Hostname, ...config } = inspect.Config;
  const endpoints = Object.entries(inspect.NetworkSettings.Networks).map(
    ([network, shown]) => [network, endpointOf(shown, inspect.Id)] as const,
  );
  const mode = inspect.HostConfig.NetworkMode ?? "default";
  const first = endpoints.find(([network]) => network === mode) ?? endpoints[0];
  const plain = mode === "default" || mode === "bridge" || mode === "host" || mode === "none" || mode.includes(":");
  const host = { ...inspect.HostConfig, Binds: [...(inspect.HostConfig.Binds ?? []), ...anonymousBinds(inspect)] };
  const network = plain || first === undefined ? undefined : { EndpointsConfig: { [first[0]]: first[1] } };
  return {
    name: inspect.Name.replace(/^\//, ""),
    body: {
      ...config,
      // The default host name is the id of the container, which the new one will not have.
      ...(Hostname === undefined || inspect.Id.startsWith(Hostname) ? {} : { Hostname }),
      Image: image,
      HostConfig: host,
      ...(network === undefined ? {} : { NetworkingConfig: network }),
    },
    connections: plain
      ? []
      : endpoints.filter(([name]) => name !== first?.[0]).map(([name, endpoint]) => ({ network: name, endpoint })),
  };
}

/** What of an endpoint was asked for; the rest (addresses, ids) the engine gave. */
export function endpointOf(shown: EndpointSettings, containerId: string): EndpointSettings {
  const aliases = (shown.Aliases ?? []).filter((alias) => alias !== containerId.slice(0, 12));
  return {
    Aliases: aliases,
    ...(shown.IPAMConfig ? { IPAMConfig: shown.IPAMConfig } : {}),
    ...(shown.Links ? { Links: shown.Links } : {}),
    ...(shown.DriverOpts ? { DriverOpts: shown.DriverOpts } : {}),
  };
}

/** Volumes of the container that neither `Binds` nor `Mounts` name: those that the image or a bare `/path` asked for. */
function anonymousBinds(inspect: ContainerInspect): string[] {
  const named = new Set(anonymousVolumes(inspect).map(({ name }) => name));
  return inspect.Mounts.filter((mount) => mount.Name !== undefined && named.has(mount.Name)).map(
    (mount) => `${mount.Name}:${mount.Destination}${mount.RW ? "" : ":ro"}`,
  );
}

export function anonymousVolumes(inspect: ContainerInspect): { readonly name: string; readonly at: string }[] {
  const asked = new Set((inspect.HostConfig.Binds ?? []).map((bind) => bind.split(":")[0]));
  for (const mount of mountsOf(inspect)) if (mount.Source) asked.add(mount.Source);
  return inspect.Mounts.flatMap((mount) =>
    mount.Type === "volume" && mount.Name !== undefined && !asked.has(mount.Name)
      ? [{ name: mount.Name, at: mount.Destination }]
      : [],
  );
}

function mountsOf(inspect: ContainerInspect): readonly { readonly Source?: string }[] {
  const { Mounts } = inspect.HostConfig as { readonly Mounts?: readonly { readonly Source?: string }[] | null };
  return Mounts ?? [];
}
