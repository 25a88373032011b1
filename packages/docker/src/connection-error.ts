import { BelayError, oneLine, type Redactor } from "@belay/core";
import type { EngineSocket } from "./dial-socket.ts";

interface Sign {
  readonly pattern: RegExp;
  readonly code: ConstructorParameters<typeof BelayError>[0];
  readonly got: string;
  readonly next: string;
}

/**
 * What `docker system dial-stdio` (18.09 to 29) and the ssh under it print when no connection comes about, most
 * special first. Texts of docker/cli `cli/command/system/dial_stdio.go`, Go's `crypto/tls`, and OpenSSH.
 */
const SIGNS: readonly Sign[] = [
  {
    pattern: /is not a docker command|unknown command/i,
    code: "TOOL_TOO_OLD",
    got: "this docker command line has no `system dial-stdio`",
    next: "Install Docker 18.09 or newer.",
  },
  {
    pattern: /open \S+\.pem: /i,
    code: "ENGINE_TLS",
    got: "TLS is asked for, but a certificate can't be read",
    next: "Put ca.pem, cert.pem and key.pem into DOCKER_CERT_PATH, or make a context that holds them.",
  },
  {
    pattern: /invalid bind address|unable to parse docker host|unsupported protocol/i,
    code: "INVALID_INPUT",
    got: "the docker command line does not understand this address",
    next: "Legal addresses begin with unix://, tcp:// or ssh://.",
  },
  {
    pattern: /docker: (command )?not found/i,
    code: "ENGINE_UNREACHABLE",
    got: "the host has no `docker` command",
    next: "Install Docker there, and let a login without a terminal find it (`ssh HOST docker version`).",
  },
  {
    pattern: /context .*(does not exist|not found)|unable to resolve docker endpoint/i,
    code: "INVALID_INPUT",
    got: "the docker command line does not know this context",
    next: "`docker context ls` lists those that exist; `docker context create` makes one.",
  },
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED/i,
    code: "ENGINE_HOST_KEY",
    got: "the ssh host key has changed since it was last seen",
    next: "If the host was really set up anew, replace its line in known_hosts; otherwise somebody stands in between.",
  },
  {
    pattern: /Host key verification failed|No .* host key is known/i,
    code: "ENGINE_HOST_KEY",
    got: "the ssh host key is not known",
    next: "Put the host's key, from a source that you trust, into known_hosts.",
  },
  {
    pattern: /Permission denied \((publickey|password|keyboard|gssapi|hostbased)|Too many authentication failures/i,
    code: "ENGINE_FORBIDDEN",
    got: "ssh refused the login",
    next: "Check the user name in ssh://user@host, and that the key is loaded and allowed there.",
  },
  {
    pattern: /permission denied/i,
    code: "ENGINE_FORBIDDEN",
    got: "this user may not open the engine's socket",
    next: "Add the user to the group `docker`, or use a context that it may use.",
  },
  {
    pattern: /x509|tls: |certificate|handshake failure|server gave HTTP response to HTTPS client/i,
    code: "ENGINE_TLS",
    got: "no TLS connection to the engine came about",
    next: "Check the context's certificates (ca.pem, cert.pem, key.pem), their dates and the host's name.",
  },
  {
    pattern: /no such host|could not resolve hostname|Name or service not known|Temporary failure in name resolution/i,
    code: "ENGINE_UNREACHABLE",
    got: "the engine's host name can't be resolved",
    next: "Check the host name in the context or in DOCKER_HOST.",
  },
  {
    pattern: /no such file or directory|connection refused|no route to host|i\/o timeout|timed out|cannot connect/i,
    code: "ENGINE_UNREACHABLE",
    got: "no Docker engine answers",
    next: "Is it running there? `docker info` with the same context tells.",
  },
];

/** The connection broke before an answer was complete. Internal: callers get the {@link BelayError} made of it. */
export class ConnectionLost extends Error {
  // Private: a printed error shows what it holds, and a connection holds what was sent over it.
  readonly #socket: EngineSocket | undefined;
  /** Whether what was asked changes something. */
  mutation = false;

  constructor(socket: EngineSocket | undefined, cause: unknown) {
    super("the connection to the engine broke", { cause });
    this.name = "ConnectionLost";
    this.#socket = socket;
  }

  get socket(): EngineSocket | undefined {
    return this.#socket;
  }

  /** Whether the connection had worked, so that a new one may. */
  get worthRetrying(): boolean {
    if (this.socket === undefined) return true;
    return this.socket.spawnError === undefined && (this.socket.answered || this.socket.stderr.trim() === "");
  }
}

/** Tells why there is no connection, from what the process and the error under it say. */
export function connectionError(lost: ConnectionLost, doing: string, command: string, redactor: Redactor): BelayError {
  const spawnError = lost.socket?.spawnError;
  if (spawnError !== undefined) return notStarted(spawnError, doing, command);
  const said = oneLine(redactor.redact(lost.socket?.stderr ?? ""), 600);
  const sign = SIGNS.find((one) => one.pattern.test(said));
  if (sign !== undefined) {
    return new BelayError(sign.code, { doing, got: `${sign.got} (${said})`, next: sign.next, cause: lost.cause });
  }
  if (isNotHttp(lost.cause)) {
    const got = "what answered is not a Docker engine (no valid HTTP came back)";
    return new BelayError("ENGINE_UNREACHABLE", {
      doing,
      got,
      next: "Check the address of the engine.",
      cause: lost.cause,
    });
  }
  const got =
    said === ""
      ? "the connection to the Docker engine was cut before the answer was complete"
      : `the connection to the Docker engine broke: ${said}`;
  const next = lost.mutation
    ? "It may have been carried out or not: look before you repeat it."
    : "Is the engine being restarted? Run it again when it is up.";
  return new BelayError("ENGINE_UNREACHABLE", { doing, got, next, cause: lost.cause });
}

function notStarted(error: Error, doing: string, command: string): BelayError {
  const missing = "code" in error && error.code === "ENOENT";
  const got = missing ? `the command \`${command}\` was not found` : `\`${command}\` could not be started`;
  const next =
    command === "ssh"
      ? "Install OpenSSH's client, or check PATH."
      : "Install the Docker command line (the package docker-ce-cli), or check PATH.";
  return new BelayError("TOOL_MISSING", { doing, got: missing ? got : `${got}: ${error.message}`, next, cause: error });
}

/** Node's HTTP parser names its errors `HPE_…`. */
function isNotHttp(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && String(cause.code).startsWith("HPE_");
}
