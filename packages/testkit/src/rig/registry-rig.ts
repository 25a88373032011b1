import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { open, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { ensureTools } from "./ensure-tools.ts";
import { freePort } from "./free-port.ts";
import { run } from "./run.ts";
import { mountDisk, unmountDisk } from "./small-disk.ts";
import { registryPrefix, sweepRegistries } from "./sweep-registries.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { waitUntil } from "./wait-until.ts";

export interface RegistryOptions {
  /** Default: anybody may read and write. */
  readonly auth?: { readonly user: string; readonly password: string };
  /** Default: a free one. */
  readonly port?: number;
  /** Size of a disk of its own for its content, in bytes. */
  readonly diskBytes?: number;
  /** More lines for its configuration file. */
  readonly configuration?: readonly string[];
  /** Address to listen on, for engines in other network namespaces. Default: loopback. */
  readonly host?: string;
}

/** Debian's docker-registry (distribution 2.8), with deleting allowed. */
export interface RegistryRig extends AsyncDisposable {
  /** `HOST:PORT`: the first part of image names. */
  readonly address: string;
  readonly url: string;
  /** Starts it again on the same port with the same content. */
  start(): Promise<void>;
  /** Ends it; its content stays until `stop`. */
  pause(): Promise<void>;
  /** From now on only these credentials are taken: others that were good before have expired. Starts it again. */
  protect(auth: { readonly user: string; readonly password: string }): Promise<void>;
  /** Where its content is. */
  readonly folder: string;
  /** Removes what no manifest has any more, with the registry's own program. Starts it again. Gives the bytes that were freed. */
  collectGarbage(): Promise<number>;
  /** Kills it in the middle of whatever it does. */
  kill(): Promise<void>;
  /** From now on it takes connections and answers nothing, as one whose disk hangs, until it is ended or started again. */
  freeze(): void;
  /** Ends it and removes its content. */
  stop(): Promise<void>;
  log(): Promise<string>;
}

/** Starts a registry in a folder of its own. */
export async function startRegistry(options: RegistryOptions = {}): Promise<RegistryRig> {
  const { registry: program } = await ensureTools(["registry"]);
  await sweepRegistries();
  const folder = await temporaryFolder(registryPrefix());
  const port = options.port ?? (await freePort());
  const address = `${options.host ?? "127.0.0.1"}:${port}`;
  const configure = async (more: RegistryOptions): Promise<void> =>
    writeFile(join(folder.path, "config.yml"), await configuration(folder.path, address, more));
  await configure(options);
  const server = new Server(program, folder.path, `http://${address}/v2/`);
  const data = join(folder.path, "data");
  const unmount = (): void => {
    if (options.diskBytes !== undefined) unmountDisk(data);
  };
  const stop = async (): Promise<void> => {
    await server.end("SIGTERM");
    process.removeListener("exit", unmount);
    unmount();
    await folder.remove();
  };
  try {
    // Before the folder is removed, which is done at the same moment when nobody called `stop`.
    process.prependListener("exit", unmount);
    if (options.diskBytes !== undefined) await mountDisk(data, options.diskBytes, registryPrefix());
    await server.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address,
    url: `http://${address}`,
    folder: data,
    collectGarbage: async () => {
      const before = await bytesOfBlobs(data);
      await server.end("SIGTERM");
      await run(program, ["garbage-collect", join(folder.path, "config.yml")]);
      await server.start();
      return before - (await bytesOfBlobs(data));
    },
    start: () => server.start(),
    pause: () => server.end("SIGTERM"),
    protect: async (auth) => {
      await configure({ ...options, auth });
      await server.start();
    },
    kill: () => server.end("SIGKILL"),
    freeze: () => server.signal("SIGSTOP"),
    stop,
    log: () => server.log(),
    [Symbol.asyncDispose]: stop,
  };
}

/** Each is a file `data` (distribution, "storage/driver/filesystem", paths of version 2). */
async function bytesOfBlobs(data: string): Promise<number> {
  const blobs = join(data, "docker/registry/v2/blobs");
  const files = (await readdir(blobs, { recursive: true })).filter((path) => basename(path) === "data");
  const sizes = await Promise.all(files.map(async (path) => (await stat(join(blobs, path))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

class Server {
  readonly #program: string;
  readonly #folder: string;
  readonly #url: string;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  readonly #onExit = (): void => void this.#child?.kill("SIGKILL");

  constructor(program: string, folder: string, url: string) {
    this.#program = program;
    this.#folder = folder;
    this.#url = url;
  }

  async start(): Promise<void> {
    await this.end("SIGTERM");
    const log = await open(join(this.#folder, "registry.txt"), "a");
    const stdio = ["ignore", log.fd, log.fd] as const;
    const child = spawn(this.#program, ["serve", join(this.#folder, "config.yml")], { stdio: [...stdio] });
    this.#ended = new Promise((resolve) => {
      child.once("error", () => resolve());
      child.once("exit", () => resolve());
    });
    await log.close();
    this.#child = child;
    await writeFile(join(this.#folder, "pid"), String(child.pid));
    process.once("exit", this.#onExit);
    const gone = new AbortController();
    this.#ended.then(() => gone.abort(new Error("the registry ended")));
    const answers = async (): Promise<boolean> => {
      const { status } = await fetch(this.#url);
      return status === 200 || status === 401;
    };
    try {
      await waitUntil("the registry answers", answers, { withinMs: 15_000, signal: gone.signal });
    } catch (error) {
      throw new Error(`no registry at ${this.#url}; its log: ${(await this.log()).slice(-2_000)}`, { cause: error });
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    process.removeListener("exit", this.#onExit);
    this.signal(signal);
    // One that is stopped hears of nothing else but SIGKILL.
    this.signal("SIGCONT");
    await this.#ended;
    this.#child = undefined;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  log(): Promise<string> {
    return readFile(join(this.#folder, "registry.txt"), "utf8");
  }
}

async function configuration(folder: string, address: string, options: RegistryOptions): Promise<string> {
  const lines = [
    "version: 0.1",
    "log: { level: info, accesslog: { disabled: false } }",
    `storage: { filesystem: { rootdirectory: ${JSON.stringify(join(folder, "data"))} }, delete: { enabled: true } }`,
    `http: { addr: ${JSON.stringify(address)}, secret: ${randomBytes(16).toString("hex")} }`,
  ];
  if (options.auth !== undefined) {
    const path = join(folder, "htpasswd");
    await writeFile(path, `${options.auth.user}:${await bcrypt(options.auth.password)}\n`, { mode: 0o600 });
    lines.push(`auth: { htpasswd: { realm: belay, path: ${JSON.stringify(path)} } }`);
  }
  return `${[...lines, ...(options.configuration ?? [])].join("\n")}\n`;
}

/** The registry takes bcrypt only. Perl is part of every Debian, and its `crypt` is libxcrypt's, which has bcrypt. */
async function bcrypt(password: string): Promise<string> {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const salt = [...randomBytes(22)].map((byte) => alphabet[byte % alphabet.length]).join("");
  const env = { BELAY_PASSWORD: password, BELAY_SALT: `$2b$05$${salt}` };
  const { stdout } = await run("perl", ["-e", "print crypt($ENV{BELAY_PASSWORD}, $ENV{BELAY_SALT})"], { env });
  if (!stdout.startsWith("$2b$")) throw new Error("this system's crypt() has no bcrypt, which the registry needs");
  return stdout;
}
