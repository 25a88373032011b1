import type { Finding } from "@belay/core";
import { type StackDocument, type StackService, scopedName } from "./stack-document.ts";

/**
 * Keys that mean nothing to a swarm: docker's stack commands warn of most and drop them all. `build` and `expose` change
 * nothing, `restart` is kept, `depends_on` is Belay's own.
 */
const IGNORED: readonly string[] = [
  ...["cgroup_parent", "cgroupns_mode", "container_name", "devices", "domainname", "external_links", "ipc", "links"],
  ...["mac_address", "network_mode", "pid", "privileged", "security_opt", "shm_size", "tmpfs", "userns_mode"],
];

/** What of the files a swarm does not do, by service. `nameOf`: the name that people know it by. */
export function documentFindings(
  document: StackDocument,
  services: readonly string[],
  nameOf: (key: string) => string,
): Finding[] {
  return services.flatMap((key) => {
    const [service, spec] = [nameOf(key), document.services[key] ?? {}];
    return [...unsupported(service, spec), ...unsetVariables(service, spec)];
  });
}

function unsupported(service: string, spec: StackService): Finding[] {
  const ignored = ignoredKeys(spec);
  if (ignored.length === 0) return [];
  const message = `Swarm does not know ${ignored.map((one) => `\`${one}\``).join(", ")} of the stack's files: ignored`;
  return [{ level: "warn", check: "unsupported_key", service, message }];
}

/**
 * Variables that are passed on by their bare name (`environment: [NAME]`). Docker's own command takes them from the runner; where
 * there is none, the container has none, not even the one of its image (docker/cli, `resolveEnvironment` and `convertEnvironment`).
 */
function unsetVariables(service: string, { environment = {} }: StackService): Finding[] {
  const unset = Object.entries(environment).flatMap(([name, value]) => (value === null ? [name] : []));
  if (unset.length === 0) return [];
  const message = `the stack's files pass ${unset.join(", ")} on without a value, and none is set: the containers have none, not even one of the image`;
  const remedy =
    "Set it under `variables` or `secrets` of the environment in belay.yaml, or write a value in the file.";
  return [{ level: "warn", check: "variable_unset", service, message, remedy }];
}

function ignoredKeys(service: StackService): string[] {
  const addresses = Object.values(service.networks ?? {}).some((one) => one?.ipv4_address || one?.ipv6_address);
  return [...IGNORED.filter((key) => service[key] !== undefined), ...(addresses ? ["ipv4_address, ipv6_address"] : [])];
}

/** What the way back does not cover, by name: volumes and files of the nodes. */
export function notCovered(document: StackDocument, stack: string, services: readonly string[]): string[] {
  const lines = services.flatMap((key) =>
    (document.services[key]?.volumes ?? []).flatMap(({ type, source = "" }) => {
      if (source === "" || source.endsWith(".sock")) return [];
      if (type === "bind") return [`the files at ${source}`];
      if (type !== "volume" && type !== "cluster") return [];
      return [`the volume ${scopedName(stack, source, document.volumes[source]?.name)}`];
    }),
  );
  return [...new Set(lines)].sort();
}
