import { BelayError } from "@belay/core";

/** Where `ssh://deploy@shop.example:2222/run/docker.sock` leads. */
export interface SshAddress {
  readonly user?: string;
  readonly host: string;
  readonly port?: string;
  /** Path of the engine's socket there; without it, what `docker` there would use. */
  readonly socket?: string;
}

/**
 * Parts of an address that begins with `ssh://`, by the rules of the docker command line (docker/cli `connhelper/ssh`).
 * @throws BelayError INVALID_INPUT for one that has no host, or holds a password or parts that mean nothing.
 */
export function parseSshAddress(address: string): SshAddress {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const wrong = url === undefined ? "it is no address" : findWrong(url);
  if (url === undefined || wrong !== undefined) throw invalid(wrong ?? "");
  const user = decodeURIComponent(url.username);
  const path = decodeURIComponent(url.pathname);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    ...(user === "" ? {} : { user }),
    ...(url.port === "" ? {} : { port: url.port }),
    ...(path.replaceAll("/", "") === "" ? {} : { socket: path }),
  };
}

function findWrong(url: URL): string | undefined {
  if (url.protocol !== "ssh:" || url.hostname === "") return "it names no host";
  // It would stand in process lists, and ssh takes none from there.
  if (url.password !== "") return "it holds a password";
  if (url.search !== "" || url.hash !== "") return "it ends with ?… or #…";
  return undefined;
}

function invalid(got: string): BelayError {
  return new BelayError("INVALID_INPUT", {
    doing: "reading the ssh:// address of the Docker engine",
    got,
    next: "It is written as ssh://user@host:port. Keys come from ssh's own agent or configuration.",
  });
}

/**
 * Arguments of `ssh` for a command there that connects its input and output with the engine. Host and user come after
 * words of our own, so that none is taken for an option; the far shell gets the socket's path quoted.
 */
export function sshArguments(address: SshAddress, options: readonly string[]): string[] {
  const { user, host, port, socket } = address;
  const engine = socket === undefined ? "" : ` --host='unix://${socket.replaceAll("'", `'\\''`)}'`;
  return [
    ...options.flatMap((option) => ["-o", option]),
    "-T",
    ...(user === undefined ? [] : ["-l", user]),
    ...(port === undefined ? [] : ["-p", port]),
    "--",
    host,
    `docker${engine} system dial-stdio`,
  ];
}
