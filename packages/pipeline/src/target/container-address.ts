import type { ContainerInspect } from "@belay/docker";

/** An address at which a container answers on its engine's machine; none for one that does not run. */
export function containerAddress(container: ContainerInspect): string | undefined {
  if (container.HostConfig.NetworkMode === "host") return "127.0.0.1";
  const endpoints = Object.values(container.NetworkSettings.Networks ?? {});
  return endpoints.map((endpoint) => endpoint.IPAddress).find((address) => address !== undefined && address !== "");
}
