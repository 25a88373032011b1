import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, open, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { BelayError, type RunOptions, type RunResult } from "@belay/core";
import { defaultEdition, type EngineEdition, prepareEdition } from "./engine-edition.ts";
import { engineInfo } from "./engine-info.ts";
import { claimSlot, type EngineSlot, lockOf } from "./engine-slot.ts";
import { ensureTools } from "./ensure-tools.ts";
import { run } from "./run.ts";
import { fillDisk, freeDisk, mountDisk } from "./small-disk.ts";
import {
  containerIds,
  type EngineTraces,
  endProcesses,
  processRuns,
  ruleOf,
  sweepEngine,
  tracesOf,
} from "./sweep-engine.ts";
import { waitUntil } from "./wait-until.ts";

export interface EngineOptions {
  /** Registries that are spoken to without TLS. All of 127.0.0.0/8 always is. */
  readonly insecureRegistries?: readonly string[];
  /** Link the buildx plugin too. Default: only compose. */
  readonly buildx?: boolean;
  /** Default: `BELAY_TEST_EDITION`, or `debian`. */
  readonly edition?: EngineEdition;
  /** Its data on a disk of this size (in memory), which can be filled. Default: the machine's own disk. */
  readonly diskBytes?: number;
  /**
   * Name of a network namespace to run it in (`ip netns`), and of the host that it is then. It has no default bridge there,
   * and its mounts are its own.
   * Needed for an engine of a swarm that is to be started again: outside, a start on old data needs `live-restore`.
   */
  readonly namespace?: string;
  /** More for the engine's `daemon.json`. */
  readonly daemon?: Readonly<Record<string, unknown>>;
}

/** A Docker engine of our own. */
export interface EngineRig extends AsyncDisposable {
  /** `unix:///…/docker.sock`. */
  readonly host: string;
  /** DOCKER_HOST, DOCKER_CONFIG (with the plugins) and a PATH on which a `docker` is found. */
  readonly env: Readonly<Record<string, string>>;
  /** The plain docker command line, for a look from outside. Throws when it fails, unless told what is allowed. */
  docker(args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Ends the engine as `systemctl stop` does; containers end with it. Data stays. */
  pause(): Promise<void>;
  /** Kills the engine as a crash does: containers go on, unseen, and are killed before it is started again. */
  kill(): Promise<void>;
  /** Starts it again with the same data, after ending it if it runs. */
  restart(): Promise<void>;
  /** Leaves no free byte on the disk of `diskBytes`, until it is freed again. */
  fillDisk(): Promise<void>;
  freeDisk(): Promise<void>;
  /** Ends it and removes all that it left: containers, networks, mounts, files. */
  stop(): Promise<void>;
  /** What of it is on the machine now. */
  traces(): Promise<EngineTraces>;
  /** The engine's own log. */
  log(): Promise<string>;
}

const READY_MS = 60_000;

/** Starts an engine on its own data, bridge and socket, next to whatever else runs. Needs root. */
export async function startEngine(options: EngineOptions = {}): Promise<EngineRig> {
  mustBeRoot();
  const plugins = options.buildx ? (["compose", "buildx"] as const) : (["compose"] as const);
  const tools = await ensureTools(["docker", "dockerd", "ip", "iptables", ...plugins]);
  const edition = await prepareEdition(options.edition ?? defaultEdition(), tools);
  const slot = await claimSlot();
  try {
    const env = { ...(await environment(slot, tools)), ...edition.env };
    const settings = { ...daemonSettings(slot, options), ...edition.settings };
    const engine = new DockerEngine(slot, commandOf(options, edition.program), env, settings);
    if (options.namespace === undefined) await makeBridge(slot);
    // The sweep takes it away again, like every mount of the slot.
    if (options.diskBytes !== undefined) await mountDisk(diskOf(slot), options.diskBytes, slot.bridge);
    await engine.restart();
    return engine;
  } catch (error) {
    await release(slot);
    throw error;
  }
}

function mustBeRoot(): void {
  if (process.platform === "linux" && process.getuid?.() === 0) return;
  throw new BelayError("TOOL_MISSING", {
    doing: "starting a Docker engine for tests",
    got: "only root on Linux can start one",
    next: "Set BELAY_TEST_ENGINE=unix:///path/to/docker.sock to use one that runs, or run this as root.",
  });
}

/** `ip netns exec` would do, but it mounts a /sys without control groups. Each of these becomes the next: one process. */
function commandOf({ namespace }: EngineOptions, dockerd: string): readonly [string, ...string[]] {
  if (namespace === undefined) return [dockerd];
  const named = ["sh", "-c", 'hostname "$0" && exec "$@"', namespace];
  return [
    "nsenter",
    `--net=/run/netns/${namespace}`,
    "unshare",
    "--uts",
    "--mount",
    "--propagation",
    "slave",
    ...named,
    dockerd,
  ];
}

class DockerEngine implements EngineRig {
  readonly host: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #slot: EngineSlot;
  readonly #command: readonly [string, ...string[]];
  readonly #settings: Readonly<Record<string, unknown>>;
  #starts = 0;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  /** A test run that ends without `stop` takes the engine along; what remains is swept by the next one. */
  readonly #onExit = (): void => void this.#child?.kill("SIGTERM");

  constructor(
    slot: EngineSlot,
    command: readonly [string, ...string[]],
    env: Readonly<Record<string, string>>,
    settings: Readonly<Record<string, unknown>>,
  ) {
    this.#slot = slot;
    this.#settings = settings;
    this.#command = command;
    this.env = env;
    this.host = env.DOCKER_HOST ?? "";
    process.once("exit", this.#onExit);
  }

  docker(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run("docker", args, { deadlineMs: 120_000, ...options, env: { ...this.env, ...options.env } });
  }

  async restart(): Promise<void> {
    await this.pause();
    await endProcesses(this.#slot);
    // In a namespace of its own there is no `docker0` of somebody else.
    const again = this.#starts++ > 0 && this.#settings.bridge !== "none";
    await this.#configure(again);
    await this.#spawn();
    if (again) await this.#reload();
  }

  /**
   * A dockerd that starts on old data with address pools removes the link `docker0` by that name, whosever it is, unless
   * it is to restore live containers (moby, `daemon_unix.go`, `configureNetworking`). So it is told to, for its start.
   */
  async #configure(liveRestore: boolean): Promise<void> {
    const settings = { "live-restore": false, ...this.#settings, ...(liveRestore && { "live-restore": true }) };
    await writeFile(join(this.#slot.folder, "daemon.json"), JSON.stringify(settings));
  }

  /** Back to the wanted settings, so that the engine's end ends its containers again. */
  async #reload(): Promise<void> {
    await this.#configure(false);
    this.#child?.kill("SIGHUP");
    const wanted = this.#settings["live-restore"] === true;
    const taken = async (): Promise<boolean> => (await engineInfo(this.#socket))?.LiveRestoreEnabled === wanted;
    await waitUntil("the engine takes its settings", taken, { withinMs: 10_000 });
  }

  get #socket(): string {
    return this.host.slice("unix://".length);
  }

  async #spawn(): Promise<void> {
    const log = await open(logOf(this.#slot), "a");
    const config = join(this.#slot.folder, "daemon.json");
    // A group of its own: Ctrl-C ends the test, and the test ends the engine.
    const [program, ...args] = this.#command;
    const child = spawn(program, [...args, "--config-file", config], {
      stdio: ["ignore", log.fd, log.fd],
      detached: true,
      env: { ...process.env, DOCKER_HOST: "", PATH: this.env.PATH },
    });
    await log.close();
    this.#child = child;
    const gone = new AbortController();
    this.#ended = new Promise((resolve) => {
      child.once("error", () => resolve());
      child.once("exit", () => resolve());
    });
    this.#ended.then(() => gone.abort(new Error("dockerd ended")));
    await this.#ready(gone.signal);
  }

  async #ready(signal: AbortSignal): Promise<void> {
    const answers = async (): Promise<boolean> => (await engineInfo(this.#socket)) !== undefined;
    try {
      await waitUntil("the engine answers", answers, { withinMs: READY_MS, signal });
    } catch (error) {
      const lines = (await this.log()).trim().split("\n").slice(-15).join("\n");
      throw new Error(`the test engine did not start; its log ends with:\n${lines}`, { cause: error });
    }
  }

  async pause(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
    await endContainerd(this.#slot);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#child?.kill(signal);
    await this.#ended;
    this.#child = undefined;
  }

  async stop(): Promise<void> {
    process.removeListener("exit", this.#onExit);
    const ids = this.#child === undefined ? [] : await containerIds(this.#slot);
    if (ids.length > 0) await this.docker(["rm", "--force", ...ids], { allowedExitCodes: [0, 1] });
    await this.#end("SIGTERM");
    await release(this.#slot);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  fillDisk(): Promise<void> {
    return fillDisk(diskOf(this.#slot));
  }

  freeDisk(): Promise<void> {
    return freeDisk(diskOf(this.#slot));
  }

  traces(): Promise<EngineTraces> {
    return tracesOf(this.#slot);
  }

  log(): Promise<string> {
    return readFile(logOf(this.#slot), "utf8");
  }
}

/**
 * A killed dockerd's containerd dies with it, but where nobody reaps orphans it stays as a zombie, and a new dockerd takes
 * that for a running containerd because of its pid file. So the file goes.
 */
async function endContainerd(slot: EngineSlot): Promise<void> {
  const file = join(slot.folder, "exec", "containerd", "containerd.pid");
  await waitUntil("containerd ends", async () => !(await processRuns(Number(await readFile(file, "utf8")))), {
    withinMs: 10_000,
  });
  await rm(file, { force: true });
}

function diskOf(slot: EngineSlot): string {
  return join(slot.folder, "data");
}

function logOf(slot: EngineSlot): string {
  return join(slot.folder, "dockerd.txt");
}

async function release(slot: EngineSlot): Promise<void> {
  await sweepEngine(slot);
  await rm(lockOf(slot), { recursive: true, force: true });
}

async function environment(
  slot: EngineSlot,
  tools: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const config = join(slot.folder, "client");
  const folder = join(config, "cli-plugins");
  await mkdir(folder, { recursive: true });
  for (const plugin of ["compose", "buildx"]) {
    const path = tools[plugin];
    if (path !== undefined) await symlink(path, join(folder, `docker-${plugin}`));
  }
  const folders = [...(process.env.PATH ?? "").split(delimiter), dirname(tools.docker ?? ""), "/usr/sbin", "/sbin"];
  return {
    DOCKER_HOST: `unix://${join(slot.folder, "docker.sock")}`,
    DOCKER_CONFIG: config,
    DOCKER_CONTEXT: "",
    PATH: [...new Set(folders)].join(delimiter),
  };
}

async function makeBridge(slot: EngineSlot): Promise<void> {
  await run("ip", ["link", "add", slot.bridge, "type", "bridge"]);
  await run("ip", ["address", "add", slot.bridgeAddress, "dev", slot.bridge]);
  await run("ip", ["link", "set", slot.bridge, "up"]);
  await run("iptables", ["-w", "-I", "FORWARD", ...ruleOf(slot)]);
}

function daemonSettings(slot: EngineSlot, options: EngineOptions): Readonly<Record<string, unknown>> {
  return {
    "data-root": join(slot.folder, "data"),
    "exec-root": join(slot.folder, "exec"),
    pidfile: join(slot.folder, "pid"),
    hosts: [`unix://${join(slot.folder, "docker.sock")}`],
    bridge: options.namespace === undefined ? slot.bridge : "none",
    "default-address-pools": [{ base: slot.pool, size: 24 }],
    // Published ports are served by docker-proxy on loopback: the engine needs no firewall rules, and leaves none.
    iptables: false,
    "ip-masq": false,
    "insecure-registries": ["127.0.0.0/8", ...(options.insecureRegistries ?? [])],
    ...options.daemon,
  };
}
