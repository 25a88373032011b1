import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DialCommand } from "./dial-socket.ts";
import { parseSshAddress, sshArguments } from "./ssh-address.ts";

/** How long the connection outlives its last use: a killed run leaves none behind. */
const LINGER_S = 10;
const END_MS = 3_000;

/**
 * One ssh connection for everything that is asked of a remote engine. OpenSSH shares it (`ControlMaster`): the first
 * `docker system dial-stdio` logs in, the others run over the same login, and after a cut the next one logs in again.
 * Where the server allows few sessions (`MaxSessions`), ssh makes a further connection by itself.
 */
export class SshConnection {
  readonly dial: DialCommand;
  readonly #folder: string;

  private constructor(dial: DialCommand, folder: string) {
    this.dial = dial;
    this.#folder = folder;
  }

  /** Dials nothing yet. @throws BelayError INVALID_INPUT */
  static async prepare(address: string, env: DialCommand["env"]): Promise<SshConnection> {
    const place = parseSshAddress(address);
    // Only this user may enter it. Short: the path of a unix socket has 104 bytes at most, and ssh adds 17.
    const folder = await mkdtemp(join(tmpdir(), "belay-ssh-"));
    const args = sshArguments(place, optionsOf(join(folder, "s")));
    return new SshConnection({ command: "ssh", args, env }, folder);
  }

  /** Ends the shared connection, if there is one. */
  async close(): Promise<void> {
    const { command, args, env } = this.dial;
    await new Promise<void>((resolve) => {
      // Its answer tells nothing that matters: without a connection it fails, and an idle one ends by itself.
      execFile(command, ["-O", "exit", ...args.slice(0, -1)], { env, timeout: END_MS }, () => resolve());
    });
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function optionsOf(controlPath: string): string[] {
  return [
    "ControlMaster=auto",
    `ControlPath=${controlPath}`,
    `ControlPersist=${LINGER_S}`,
    // Before Belay's own deadline for connecting, because ssh's message says more.
    "ConnectTimeout=20",
    // A network that was cut without a word is noticed after 20 to 30 s instead of a quarter of an hour.
    "ServerAliveInterval=10",
    "ServerAliveCountMax=2",
    // Whoever answers under an unknown key gets nothing, whatever the user's configuration says.
    "StrictHostKeyChecking=yes",
    "BatchMode=yes",
  ];
}
