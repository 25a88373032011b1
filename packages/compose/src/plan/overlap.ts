import type { ComposeMount, ComposePort, ComposeProject, ComposeService } from "../files/compose-project.ts";

/** Why old and new containers of a service can't run side by side. */
export interface OverlapObstacle {
  /** Stable name of the check: `fixed_port`. */
  readonly check: string;
  readonly message: string;
}

/**
 * What forbids that containers of the old and the new revision of a service run at the same time. `both` is how many
 * containers that would be. Empty when they can overlap.
 */
export function overlapObstacles(service: ComposeService, both: number, replicas: number): OverlapObstacle[] {
  return [
    ...portObstacles(service.ports ?? [], both),
    ...nameObstacles(service),
    ...(service.volumes ?? []).flatMap((mount) => mountObstacles(mount, replicas)),
    ...(service.volumes_from ?? []).flatMap((from) => volumesFromObstacles(from, replicas)),
    ...deviceObstacles(service),
    ...networkObstacles(service),
  ];
}

function portObstacles(ports: readonly ComposePort[], both: number): OverlapObstacle[] {
  return ports.flatMap((port) => {
    const room = publishedRoom(port.published);
    if (room === undefined || room >= both) return [];
    const message =
      room === 1
        ? `it publishes the fixed host port ${port.published}, which only one container can hold`
        : `its host ports ${port.published} are too few for the old and the new containers together (${both})`;
    return [{ check: "fixed_port", message }];
  });
}

/** How many containers can publish this port on one host; `undefined` when the engine chooses. */
function publishedRoom(published: string | number | undefined): number | undefined {
  const text = String(published ?? "");
  if (text === "" || text === "0") return undefined;
  const [first = 0, last = first] = text.split("-").map(Number);
  return last - first + 1;
}

function nameObstacles(service: ComposeService): OverlapObstacle[] {
  if (service.container_name === undefined) return [];
  return [{ check: "container_name", message: `its container_name ${service.container_name} can exist only once` }];
}

/**
 * Two containers on one writable volume may corrupt its data. A service that runs in several copies on it anyway was
 * made for that, so one more copy is nothing new. Sockets (`/var/run/docker.sock`) hold no data.
 */
function mountObstacles(mount: ComposeMount, replicas: number): OverlapObstacle[] {
  if (mount.read_only === true || mount.source === undefined || mount.source === "" || replicas > 1) return [];
  if (mount.type === "volume") {
    return [{ check: "writable_volume", message: `it writes to the volume ${mount.source} (at ${mount.target})` }];
  }
  if (mount.type !== "bind" || mount.source.endsWith(".sock")) return [];
  return [{ check: "writable_bind", message: `it can write to the bind mount ${mount.source} (at ${mount.target})` }];
}

function volumesFromObstacles(from: string, replicas: number): OverlapObstacle[] {
  if (from.endsWith(":ro") || replicas > 1) return [];
  return [{ check: "writable_volume", message: `it writes to the volumes of ${from} (volumes_from)` }];
}

function deviceObstacles(service: ComposeService): OverlapObstacle[] {
  if ((service.devices ?? []).length === 0) return [];
  return [{ check: "device", message: "it uses a device of the host" }];
}

function networkObstacles(service: ComposeService): OverlapObstacle[] {
  const mode = service.network_mode ?? "";
  const shared = mode === "host" || mode.startsWith("service:") || mode.startsWith("container:");
  const fixed = Object.entries(service.networks ?? {}).filter(
    ([, endpoint]) => (endpoint?.ipv4_address ?? endpoint?.ipv6_address ?? endpoint?.mac_address) !== undefined,
  );
  return [
    ...(shared
      ? [{ check: "shared_network", message: `its network_mode is ${mode}, where ports are not its own` }]
      : []),
    ...fixed.map(([name]) => ({ check: "static_address", message: `it has a fixed address in the network ${name}` })),
    ...(service.mac_address === undefined ? [] : [{ check: "static_address", message: "it has a fixed MAC address" }]),
  ];
}

/** Services that live inside a container of `name` (its network, IPC or process namespace) and lose it when it goes. */
export function namespaceGuests(project: ComposeProject, name: string): string[] {
  return Object.entries(project.services)
    .filter(([, service]) => [service.network_mode, service.ipc, service.pid].includes(`service:${name}`))
    .map(([guest]) => guest);
}
