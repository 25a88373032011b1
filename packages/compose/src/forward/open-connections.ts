import type { ComposeContainer } from "../containers/compose-container.ts";
import type { TargetState } from "../target-state.ts";

/** States of /proc/net/tcp (Linux, `include/net/tcp_states.h`). */
const ESTABLISHED = "01";
const LISTENING = "0A";

/**
 * How many connections a container has opened itself from its addresses in some networks: those break when it leaves one
 * and joins it again. `undefined` when it can't be told, because the image has no `cat`.
 */
export async function countOutbound(
  state: TargetState,
  container: ComposeContainer,
  networks: readonly string[],
  signal: AbortSignal,
): Promise<number | undefined> {
  const addresses = networks.flatMap((name) => {
    const place = container.inspect.NetworkSettings.Networks[name];
    return [place?.IPAddress ?? "", place?.GlobalIPv6Address ?? ""].filter((address) => address !== "");
  });
  const command = ["cat", "/proc/net/tcp", "/proc/net/tcp6"];
  // A kernel without IPv6 has only the first file, and `cat` says so with exit code 1.
  const { output } = await state.docker.containers.exec(container.id, command, {}, { signal });
  return output.includes("local_address") ? parseOutbound(output, new Set(addresses)) : undefined;
}

/** Counts established connections from these addresses whose port is not one that is listened on. */
export function parseOutbound(table: string, addresses: ReadonlySet<string>): number {
  const line = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /gm;
  const sockets = [...table.matchAll(line)].map(([, address = "", port = "", state = ""]) => ({
    address,
    port,
    state,
  }));
  const served = new Set(sockets.filter((one) => one.state === LISTENING).map((one) => one.port));
  const outbound = sockets.filter(({ address, port, state }) => {
    if (state !== ESTABLISHED || served.has(port)) return false;
    const v4 = addressOf(address);
    // An address of version 6 is hardly ever here: rather one start too many than a pool that hangs.
    return v4 === undefined ? !/^0{24}01000000$/.test(address) : addresses.has(v4);
  });
  return outbound.length;
}

/** The kernel writes each 32-bit word of an address as the machine has it: little-endian here. */
function addressOf(hex: string): string | undefined {
  const mapped = /^0{16}FFFF0000([0-9A-F]{8})$/.exec(hex)?.[1];
  const word = mapped ?? (hex.length === 8 ? hex : undefined);
  if (word === undefined) return undefined;
  const bytes = word.match(/../g) ?? [];
  return bytes
    .toReversed()
    .map((byte) => Number.parseInt(byte, 16))
    .join(".");
}
