import { BlockList, isIP } from "node:net";
import type { EngineInfo } from "@belay/docker";

/** Whether a registry may be spoken to without TLS, or with a certificate that nobody signed. */
export type InsecureRegistries = (registry: string) => boolean;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Whether a host (without port) is this machine itself. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || isListed(LOOPBACK, host.replace(/^\[|\]$/g, ""));
}

/**
 * The engine's own rule (moby, `registry.isSecureIndex`): loopback addresses, the networks of `InsecureRegistryCIDRs`
 * and the registries that `--insecure-registry` names. Without an engine only loopback.
 */
export function insecureRegistries(info?: Pick<EngineInfo, "RegistryConfig">): InsecureRegistries {
  const networks = new BlockList();
  for (const cidr of info?.RegistryConfig?.InsecureRegistryCIDRs ?? []) {
    const [address = "", bits = ""] = cidr.split("/");
    const family = isIP(address);
    if (family !== 0 && bits !== "") networks.addSubnet(address, Number(bits), family === 4 ? "ipv4" : "ipv6");
  }
  const indexes = info?.RegistryConfig?.IndexConfigs ?? {};
  return (registry) => {
    const listed = indexes[registry];
    if (listed !== undefined) return !listed.Secure;
    const host = registry.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
    return isLoopback(host) || isListed(networks, host);
  };
}

function isListed(networks: BlockList, host: string): boolean {
  const family = isIP(host);
  return family !== 0 && networks.check(host, family === 4 ? "ipv4" : "ipv6");
}
