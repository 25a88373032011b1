import { constants, promises } from "node:fs";
import type { ConnectOptions, Docker } from "./connect-docker.ts";
import { contextAddress, DEFAULT_SOCKET, isDefaultAddress } from "./context-address.ts";
import type { DialCommand } from "./dial-socket.ts";
import { EngineDoor } from "./engine-door.ts";
import { SshConnection } from "./ssh-connection.ts";

/** How connections come about. */
export interface Way extends Pick<Docker, "cliArguments" | "dialEnvironment" | "close"> {
  readonly dial: DialCommand;
}

/** Of a socket, in bytes: `sun_path` of sockaddr_un holds 108 with its end on Linux, 104 on macOS and the BSDs. */
const LONGEST_PATH = 103;

type Environment = Readonly<Record<string, string | undefined>>;

/** Finds out how the engine is reached; dials nothing yet. `place`: arguments that name it. @throws BelayError INVALID_INPUT */
export async function prepareWay(options: ConnectOptions, place: readonly string[]): Promise<Way> {
  const env: Environment = { ...process.env, ...options.env };
  const address = await contextAddress({ ...options, env });
  // OpenSSH for Windows can't share connections: there the docker command line dials.
  if (address?.startsWith("ssh://") && process.platform !== "win32") return sshWay(address, env);
  const socketPath = await socketOf(address, { ...options, env });
  const program = { command: options.cli ?? "docker", args: [...place, "system", "dial-stdio"], env };
  const dial = socketPath === undefined ? program : { ...program, socketPath };
  const door = new OnDemand(dial);
  return {
    dial,
    cliArguments: async () => place,
    dialEnvironment: async () => {
      if (address === undefined || process.platform === "win32") return {};
      return environmentFor(isLocal(address) ? address : await door.address());
    },
    close: () => door.close(),
  };
}

/**
 * The engine's socket, where it is on this machine and is nothing but a socket: opening it takes no process, which costs tens
 * of milliseconds each. A command line that was given, or TLS, may mean more.
 */
async function socketOf(
  address: string | undefined,
  { cli, context, host, env }: Omit<ConnectOptions, "env"> & { readonly env: Environment },
): Promise<string | undefined> {
  if (process.platform === "win32" || cli !== undefined || env.DOCKER_TLS || env.DOCKER_TLS_VERIFY) return undefined;
  if (address?.startsWith("unix:///")) {
    const path = address.slice("unix://".length);
    // Node's HTTP agent would ask for one such connection after the other, for ever: they fail before they are begun.
    const isPath = Buffer.byteLength(path) <= LONGEST_PATH && !path.includes("\0");
    return !isPath || (await obstacleAt(path)) === "EACCES" ? undefined : path;
  }
  const place = { ...(context !== undefined && { context }), ...(host !== undefined && { host }), env };
  // Where nothing is there, the command line knows better what may be missing: itself, to begin with.
  const isOpen = address === undefined && (await obstacleAt(DEFAULT_SOCKET)) === undefined;
  return isOpen && (await isDefaultAddress(place)) ? DEFAULT_SOCKET : undefined;
}

/** Why this user can't open a socket. Who may not may have a `docker` that may: a script with sudo in it. */
async function obstacleAt(path: string): Promise<string | undefined> {
  return promises.access(path, constants.W_OK).then(
    () => undefined,
    ({ code = "" }: NodeJS.ErrnoException) => code,
  );
}

function isLocal(address: string): boolean {
  return address.startsWith("unix://") || address.startsWith("npipe://");
}

async function sshWay(address: string, env: Environment): Promise<Way> {
  const ssh = await SshConnection.prepare(address, env);
  const door = new OnDemand(ssh.dial);
  return {
    dial: ssh.dial,
    cliArguments: async () => ["--host", await door.address()],
    dialEnvironment: async () => environmentFor(await door.address()),
    close: async () => {
      await door.close();
      await ssh.close();
    },
  };
}

/** What would speak TLS to the socket, or name another engine, is taken away: an empty variable is none to docker's client. */
function environmentFor(host: string): Readonly<Record<string, string>> {
  return { DOCKER_HOST: host, DOCKER_CONTEXT: "", DOCKER_CERT_PATH: "", DOCKER_TLS_VERIFY: "", DOCKER_TLS: "" };
}

/** A door that is opened for whoever asks first. */
class OnDemand {
  readonly #dial: DialCommand;
  #door: Promise<EngineDoor> | undefined;

  constructor(dial: DialCommand) {
    this.#dial = dial;
  }

  async address(): Promise<string> {
    this.#door ??= EngineDoor.open(this.#dial);
    return (await this.#door).address;
  }

  async close(): Promise<void> {
    await (await this.#door)?.close();
  }
}
