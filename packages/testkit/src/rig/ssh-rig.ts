import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdir, open, readdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { ensureTools } from "./ensure-tools.ts";
import { freePort } from "./free-port.ts";
import { hasCode } from "./has-code.ts";
import { run } from "./run.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { waitUntil } from "./wait-until.ts";

export interface SshOptions {
  /** `DOCKER_HOST` of whoever logs in. */
  readonly dockerHost: string;
  /** Lines for `sshd_config`. */
  readonly settings?: readonly string[];
  /** Port that clients dial, where something stands in between. Default: the server's own. */
  readonly dialPort?: (port: number) => Promise<number>;
}

/** A real sshd on loopback, with host key, user key and known hosts of its own. */
export interface SshRig extends AsyncDisposable {
  /** `ssh://root@127.0.0.1:PORT` */
  readonly host: string;
  /** A PATH with an `ssh` that uses this rig's key and known hosts: ssh itself takes them from the user's own folder only. */
  readonly env: Readonly<Record<string, string>>;
  /** What stands in the clients' `known_hosts`: the server's key, another one, or nothing. */
  know(key: "right" | "wrong" | "none"): Promise<void>;
  /** Number of logins so far. */
  logins(): Promise<number>;
  /** Number of programs that were run for logged in clients so far. */
  sessions(): Promise<number>;
  /** Kills what serves the clients; new ones are served. @returns how many it were. */
  killSessions(): Promise<number>;
  log(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts it. Needs root, because sshd does. */
export async function startSsh(options: SshOptions): Promise<SshRig> {
  const tools = await ensureTools(["sshd", "ssh"]);
  const folder = await temporaryFolder("belay-ssh-rig");
  const path = (name: string): string => join(folder.path, name);
  for (const key of ["host", "other", "user"])
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "belay-test", "-f", path(key)]);
  const port = await freePort();
  await writeFile(path("authorized_keys"), await readFile(path("user.pub")));
  await writeFile(path("sshd_config"), serverConfig(path, port, options));
  // Debian's sshd wants this empty folder; its init script makes it.
  await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const dialPort = (await options.dialPort?.(port)) ?? port;
  const server = await startServer(tools.sshd, path("sshd_config"), path("sshd.txt"));
  const log = (): Promise<string> => readFile(path("sshd.txt"), "utf8");
  const count = async (pattern: RegExp): Promise<number> => [...(await log()).matchAll(pattern)].length;
  const know = async (key: "right" | "wrong" | "none"): Promise<void> => {
    const name = key === "right" ? "host.pub" : "other.pub";
    const line = key === "none" ? "" : `[127.0.0.1]:${dialPort} ${await readFile(path(name), "utf8")}`;
    await writeFile(path("known_hosts"), line);
  };
  const stop = async (): Promise<void> => {
    await killChildren(server);
    server.kill("SIGTERM");
    await folder.remove();
  };
  try {
    await know("right");
    await writeClient(folder.path, tools.ssh);
    await waitUntil("sshd listens", async () => (await log()).includes("Server listening on"), { withinMs: 15_000 });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    host: `ssh://root@127.0.0.1:${dialPort}`,
    env: { PATH: [path("bin"), process.env.PATH ?? ""].join(delimiter) },
    know,
    logins: () => count(/Accepted publickey/g),
    sessions: () => count(/Starting session: command/g),
    killSessions: () => killChildren(server),
    log,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function serverConfig(path: (name: string) => string, port: number, options: SshOptions): string {
  const lines = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${path("host")}`,
    `AuthorizedKeysFile ${path("authorized_keys")}`,
    `PidFile ${path("sshd.pid")}`,
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "UsePAM no",
    "StrictModes no",
    "PrintMotd no",
    "LogLevel VERBOSE",
    `SetEnv DOCKER_HOST=${options.dockerHost}`,
    ...(options.settings ?? []),
  ];
  return `${lines.join("\n")}\n`;
}

async function startServer(program: string, config: string, logFile: string): Promise<ChildProcess> {
  const log = await open(logFile, "a");
  // sshd starts itself again for each client, by the absolute path that it was called by.
  const server = spawn(program, ["-D", "-e", "-f", config], { stdio: ["ignore", log.fd, log.fd] });
  await log.close();
  process.once("exit", () => server.kill("SIGTERM"));
  return server;
}

async function writeClient(folder: string, ssh: string): Promise<void> {
  const config = [
    `IdentityFile ${join(folder, "user")}`,
    "IdentitiesOnly yes",
    `UserKnownHostsFile ${join(folder, "known_hosts")}`,
    "GlobalKnownHostsFile /dev/null",
  ];
  await writeFile(join(folder, "ssh_config"), `${config.join("\n")}\n`);
  await mkdir(join(folder, "bin"));
  const program = join(folder, "bin", "ssh");
  await writeFile(program, `#!/bin/sh\nexec '${ssh}' -F '${join(folder, "ssh_config")}' "$@"\n`);
  await chmod(program, 0o755);
}

/** Kills the server's processes for its clients, and what those run. */
async function killChildren(server: ChildProcess): Promise<number> {
  const pids = await descendantsOf(server.pid ?? -1);
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if (!hasCode(error, "ESRCH")) throw error;
    }
  }
  return pids.length;
}

async function descendantsOf(root: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    // The program's name, in brackets, may hold anything.
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0));
  }
  const found = [root];
  for (const one of found) found.push(...[...parents].filter(([, parent]) => parent === one).map(([pid]) => pid));
  return found.slice(1);
}
