import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ensureTools } from "./ensure-tools.ts";
import { run } from "./run.ts";
import { endProcesses, mountsOf } from "./sweep-engine.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { waitUntil } from "./wait-until.ts";
import { isAlive } from "./with-lock.ts";

/** A BuildKit of its own, as `docker buildx` uses one with its driver `remote`. */
export interface BuildkitRig extends AsyncDisposable {
  /** `unix:///…/buildkitd.sock`. */
  readonly address: string;
  /** Makes it a builder of this client's buildx, by this name, and the one that is used by default if wanted. */
  addTo(env: Readonly<Record<string, string>>, name: string, options?: { readonly use?: boolean }): Promise<void>;
  stop(): Promise<void>;
  log(): Promise<string>;
}

const READY_MS = 60_000;

/** Starts buildkitd in a folder of its own. Needs root on Linux. */
export async function startBuildkit(): Promise<BuildkitRig> {
  const { buildkitd, dockerd } = await ensureTools(["buildkitd", "dockerd"]);
  await sweepBuildkits();
  const folder = await temporaryFolder(`belay-buildkit-${process.pid}`);
  const daemon = new Daemon(buildkitd, folder.path, [join(dockerd, "..")]);
  const stop = async (): Promise<void> => {
    await daemon.end();
    await folder.remove();
  };
  try {
    await daemon.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address: daemon.address,
    addTo: async (env, name, { use = false } = {}) => {
      const words = [
        "buildx",
        "create",
        `--name=${name}`,
        "--driver=remote",
        ...(use ? ["--use"] : []),
        daemon.address,
      ];
      await run("docker", words, { env, deadlineMs: 60_000 });
    },
    stop,
    log: () => daemon.log(),
    [Symbol.asyncDispose]: stop,
  };
}

/** Ends what test runs left that were killed; the number in a folder's name is its owner's. */
async function sweepBuildkits(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = /^belay-buildkit-(\d+)-/.exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const folder = join(tmpdir(), name);
    await sweep(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Ends what runs there, containers of steps too, and takes their mounts away. */
async function sweep(folder: string): Promise<void> {
  await endProcesses({ folder });
  const mounts = await mountsOf(folder);
  for (const mount of mounts.toReversed()) await run("umount", ["-l", mount], { allowedExitCodes: [0, 32] });
}

class Daemon {
  readonly address: string;
  readonly #program: string;
  readonly #folder: string;
  readonly #path: string;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  readonly #onExit = (): void => void this.#child?.kill("SIGKILL");

  /** `folders`: where runc is, besides the PATH. */
  constructor(program: string, folder: string, folders: readonly string[]) {
    this.#program = program;
    this.#folder = folder;
    this.address = `unix://${join(folder, "buildkitd.sock")}`;
    this.#path = [process.env.PATH ?? "", ...folders, "/usr/sbin", "/sbin"].join(delimiter);
  }

  async start(): Promise<void> {
    const root = join(this.#folder, "root");
    await mkdir(root);
    const log = await open(join(this.#folder, "buildkitd.txt"), "a");
    const words = [
      ...[`--root=${root}`, `--addr=${this.address}`, `--config=${join(this.#folder, "none.toml")}`],
      ...["--containerd-worker=false", "--oci-worker=true", "--oci-worker-binary=runc", "--oci-worker-net=host"],
    ];
    // A group of its own: Ctrl-C ends the test, and the test ends it.
    const child = spawn(this.#program, words, {
      stdio: ["ignore", log.fd, log.fd],
      detached: true,
      env: { ...process.env, PATH: this.#path },
    });
    await log.close();
    this.#child = child;
    process.once("exit", this.#onExit);
    const gone = new AbortController();
    this.#ended = new Promise((resolve) => {
      child.once("error", () => resolve());
      child.once("exit", () => resolve());
    });
    this.#ended.then(() => gone.abort(new Error("buildkitd ended")));
    const running = async (): Promise<boolean> => (await this.log()).includes("running server on");
    try {
      await waitUntil("buildkitd answers", running, { withinMs: READY_MS, signal: gone.signal });
    } catch (error) {
      throw new Error(`buildkitd did not start; its log ends with: ${(await this.log()).slice(-2_000)}`, {
        cause: error,
      });
    }
  }

  async end(): Promise<void> {
    process.removeListener("exit", this.#onExit);
    this.#child?.kill("SIGTERM");
    const timer = setTimeout(() => this.#child?.kill("SIGKILL"), 10_000);
    await this.#ended;
    clearTimeout(timer);
    this.#child = undefined;
    await sweep(this.#folder);
  }

  log(): Promise<string> {
    return readFile(join(this.#folder, "buildkitd.txt"), "utf8");
  }
}
