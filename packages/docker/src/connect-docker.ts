import { BelayError, type Clock, Redactor, systemClock } from "@belay/core";
import { type Containers, containersOf } from "./containers.ts";
import { isNotFound } from "./engine-error.ts";
import { type CallOptions, EngineHttp } from "./engine-http.ts";
import type { EngineEvent, EngineInfo, EngineVersion } from "./engine-types.ts";
import { type EventQuery, engineEvents, pastEvents } from "./events.ts";
import { hasBuildKit } from "./has-buildkit.ts";
import { type Images, imagesOf } from "./images.ts";
import { type Networks, networksOf } from "./networks.ts";
import { type Nodes, nodesOf } from "./nodes.ts";
import { prepareWay } from "./prepare-way.ts";
import { type Services, servicesOf } from "./services.ts";
import { type SwarmFiles, swarmFilesOf } from "./swarm-files.ts";
import type { SwarmInspect } from "./swarm-types.ts";
import { type Tasks, tasksOf } from "./tasks.ts";
import { type Volumes, volumesOf } from "./volumes.ts";

export interface ConnectOptions {
  /** Name of a docker context. The docker command line resolves it: socket, TLS, or ssh. */
  readonly context?: string;
  /** `unix://…`, `tcp://…`, `ssh://user@host`; instead of a context. Without both, what the command line would use. */
  readonly host?: string;
  /** The docker command line. Default `docker`. */
  readonly cli?: string;
  /** Added to this process's environment for the command line. */
  readonly env?: Readonly<Record<string, string>>;
  readonly redactor?: Redactor;
  /** Ends the connecting. What comes after has signals of its own, because a way back is taken when a run is cancelled. */
  readonly signal?: AbortSignal;
  /** For connecting (ssh may have to dial). Default 30 s. */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
}

export interface EnginePing {
  /** Newest API version that the engine speaks. */
  readonly apiVersion: string;
  readonly osType: string;
  /** The engine's clock in whole seconds, ISO 8601. */
  readonly at: string | undefined;
}

/** A client of one Docker engine. Every call has a deadline, takes a signal, and throws a `BelayError`. */
export interface Docker {
  /** The API version that is spoken: the lower of the engine's and {@link NEWEST_API}. */
  readonly apiVersion: string;
  /** For people: `the context staging`, `ssh://deploy@host`. */
  readonly endpoint: string;
  /** Arguments that lead a person's docker command line to the same engine: `["--context", "staging"]`. */
  readonly place: readonly string[];
  /**
   * The same for a command line that this process runs. Where the engine is reached by ssh they name a socket on this
   * machine, good until `close`, behind which is this client's own connection: no second login.
   */
  cliArguments(): Promise<readonly string[]>;
  /**
   * Variables for a program that dials the engine by itself and can do less than the docker command line (Trivy knows neither
   * ssh nor the certificates of a context). Where the engine is on another machine they name a socket on this one, good until
   * `close`, behind which is the way that this client goes.
   */
  dialEnvironment(): Promise<Readonly<Record<string, string>>>;
  readonly containers: Containers;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  /** What follows is answered by managers of a swarm only. */
  readonly services: Services;
  readonly tasks: Tasks;
  readonly nodes: Nodes;
  readonly configs: SwarmFiles;
  readonly secrets: SwarmFiles;
  swarm(options?: CallOptions): Promise<SwarmInspect>;
  ping(options?: CallOptions): Promise<EnginePing>;
  info(options?: CallOptions): Promise<EngineInfo>;
  version(options?: CallOptions): Promise<EngineVersion>;
  /** See {@link hasBuildKit}. */
  hasBuildKit(options?: CallOptions): Promise<boolean>;
  events(query: EventQuery): AsyncIterable<EngineEvent>;
  /** What the engine remembers (its last 256 events, none of a run before this one), up to its time in seconds since 1970. */
  pastEvents(until: number, options?: CallOptions): Promise<readonly EngineEvent[]>;
  /** Ends the connections and their processes. Calls that are under way fail. */
  close(): Promise<void>;
}

/** What this client was written and tested for. An engine with a newer one also speaks this one. */
export const NEWEST_API = "1.47";
/** Docker 20.10. */
export const OLDEST_API = "1.41";
/** Of what Belay writes or lets others write (the engine's "API version history", v1.41). */
const OLDER_LACK =
  "an older one knows no jobs of a swarm, no `cap_add`, `cap_drop`, `ulimits` and `pids` of its services, and no `platform` of a container";

/**
 * Connects to an engine through `docker system dial-stdio`, so that every context works as it does for its user; where that
 * would lead to a socket on this machine, that is opened instead, which takes no process. Over ssh the command is run on the
 * far side, as docker itself does, and all connections share one login. Throws `TOOL_MISSING`, `ENGINE_UNREACHABLE`,
 * `ENGINE_FORBIDDEN`, `ENGINE_TLS`, `ENGINE_HOST_KEY`, `ENGINE_TOO_OLD`, `INVALID_INPUT` (unknown context) or `TIMED_OUT`.
 */
export async function connectDocker(options: ConnectOptions = {}): Promise<Docker> {
  const endpoint = endpointOf(options);
  const doing = `connecting to the Docker engine (${endpoint})`;
  const way = await prepareWay(options, placeOf(options));
  const http = new EngineHttp(way.dial, options.clock ?? systemClock, options.redactor ?? new Redactor());
  const close = async (): Promise<void> => {
    // At once: an older ssh keeps its first connection's process until the shared login ends.
    await Promise.all([http.close(), way.close()]);
  };
  try {
    const { signal, deadlineMs } = options;
    const ping = await pingOf(http, doing, {
      ...(signal && { signal }),
      ...(deadlineMs !== undefined && { deadlineMs }),
    });
    const version = negotiate(ping.apiVersion, doing);
    http.speak(version);
    const { cliArguments, dialEnvironment } = way;
    return { ...dockerOf(http, version), endpoint, place: placeOf(options), cliArguments, dialEnvironment, close };
  } catch (error) {
    await close();
    // Every engine answers `/_ping`.
    throw isNotFound(error) ? notAnEngine(doing, "it does not know /_ping") : error;
  }
}

type Asked = Omit<Docker, "endpoint" | "place" | "cliArguments" | "dialEnvironment" | "close">;

function dockerOf(http: EngineHttp, apiVersion: string): Asked {
  return {
    apiVersion,
    containers: containersOf(http),
    images: imagesOf(http),
    networks: networksOf(http),
    volumes: volumesOf(http),
    services: servicesOf(http),
    tasks: tasksOf(http),
    nodes: nodesOf(http),
    configs: swarmFilesOf(http, "config"),
    secrets: swarmFilesOf(http, "secret"),
    swarm: (options) => http.json({ doing: "asking the Docker engine about its swarm", path: "/swarm", ...options }),
    ping: (options) => pingOf(http, "asking the Docker engine whether it is there", options),
    info: (options) => http.json({ doing: "asking the Docker engine about itself", path: "/info", ...options }),
    version: (options) => http.json({ doing: "asking the Docker engine's version", path: "/version", ...options }),
    hasBuildKit: (options) => hasBuildKit(http, options),
    events: (query) => engineEvents(http, query),
    pastEvents: (until, options) => pastEvents(http, until, options),
  };
}

function placeOf(options: ConnectOptions): readonly string[] {
  if (options.context !== undefined && options.host !== undefined) {
    const doing = "connecting to the Docker engine";
    throw new BelayError("INVALID_INPUT", {
      doing,
      got: "both a context and a host are given",
      next: "Give one of them.",
    });
  }
  if (options.context !== undefined) return ["--context", options.context];
  if (options.host !== undefined) return ["--host", options.host];
  return [];
}

function endpointOf(options: ConnectOptions): string {
  if (options.context !== undefined) return `the context ${options.context}`;
  if (options.host !== undefined) return options.host;
  const env = { ...process.env, ...options.env };
  return env.DOCKER_HOST || (env.DOCKER_CONTEXT ? `the context ${env.DOCKER_CONTEXT}` : "the current context");
}

async function pingOf(http: EngineHttp, doing: string, options: CallOptions = {}): Promise<EnginePing> {
  const { headers } = await http.call({ doing, path: "/_ping", ...options });
  const date = Date.parse(headers.date ?? "");
  return {
    apiVersion: String(headers["api-version"] ?? ""),
    osType: String(headers.ostype ?? ""),
    at: Number.isNaN(date) ? undefined : new Date(date).toISOString(),
  };
}

function negotiate(found: string, doing: string): string {
  if (!/^\d+\.\d+$/.test(found)) {
    throw notAnEngine(doing, "it names no API version");
  }
  if (compare(found, OLDEST_API) < 0) {
    const got = `the engine speaks API version ${found} at most, and ${OLDEST_API} is needed: ${OLDER_LACK}`;
    throw new BelayError("ENGINE_TOO_OLD", { doing, got, next: "Update the engine to Docker 20.10 or newer." });
  }
  return compare(found, NEWEST_API) < 0 ? found : NEWEST_API;
}

function notAnEngine(doing: string, why: string): BelayError {
  const got = `what answered is not a Docker engine (${why})`;
  return new BelayError("ENGINE_UNREACHABLE", { doing, got, next: "Check the address of the engine." });
}

function compare(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA - majorB || minorA - minorB;
}
