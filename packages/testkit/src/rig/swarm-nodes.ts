import type { EngineEdition } from "./engine-edition.ts";
import { type EngineRig, startEngine } from "./engine-rig.ts";
import { ensureTools } from "./ensure-tools.ts";
import { claimNetwork, type NetworkSlot } from "./network-slot.ts";
import { waitUntil } from "./wait-until.ts";

/** A swarm of several engines on this machine, each in a network namespace of its own. */
export interface SwarmNodes extends AsyncDisposable {
  readonly manager: SwarmNodeRig;
  readonly workers: readonly SwarmNodeRig[];
  /** Address of this machine that all nodes reach: for a registry, which each of them may speak to without TLS. */
  readonly hostAddress: string;
  /** The state of a node as the manager sees it: `ready`, `down`. */
  stateOf(node: SwarmNodeRig): Promise<string>;
  /** Cuts a node off from the others and from this machine, as a pulled cable does. */
  unplug(node: SwarmNodeRig): Promise<void>;
  plug(node: SwarmNodeRig): Promise<void>;
  stop(): Promise<void>;
}

export interface SwarmNodeRig {
  readonly engine: EngineRig;
  /** Its id in the swarm. */
  readonly id: string;
  readonly address: string;
  readonly namespace: string;
}

export interface SwarmNodesOptions {
  /** Default 2. */
  readonly workers?: number;
  /** Default: `BELAY_TEST_EDITION`, or `debian`. */
  readonly edition?: EngineEdition;
  /** Each node's data on a disk of this size (in memory), which can be filled. */
  readonly diskBytes?: number;
}

/** One manager and some workers. A worker that is gone is seen as down after three missed heartbeats, about 10 s. */
export async function startSwarmNodes(options: SwarmNodesOptions = {}): Promise<SwarmNodes> {
  await ensureTools(["ip", "iptables", "dockerd"]);
  const network = await claimNetwork();
  const started: EngineRig[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((engine) => engine.stop()));
    await network.release();
  };
  try {
    const nodes = await Promise.all(
      Array.from({ length: 1 + (options.workers ?? 2) }, () => startNode(network, options, started)),
    );
    return rigOf(await joinAll(nodes), network, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

type Started = Omit<SwarmNodeRig, "id">;

async function startNode(network: NetworkSlot, options: SwarmNodesOptions, started: EngineRig[]): Promise<Started> {
  const place = await network.join();
  const engine = await startEngine({
    namespace: place.namespace,
    insecureRegistries: [network.range],
    ...(options.edition === undefined ? {} : { edition: options.edition }),
    ...(options.diskBytes === undefined ? {} : { diskBytes: options.diskBytes }),
  });
  started.push(engine);
  return { ...place, engine };
}

async function joinAll([manager, ...workers]: readonly Started[]): Promise<readonly SwarmNodeRig[]> {
  if (manager === undefined) throw new Error("a swarm needs a manager");
  const at = (node: Started) => ["--advertise-addr", node.address, "--listen-addr", `${node.address}:2377`];
  // The engine's networks get addresses that none of the machine's has.
  const pool = ["--default-addr-pool", "10.250.0.0/16", "--default-addr-pool-mask-length", "24"];
  await manager.engine.docker(["swarm", "init", ...at(manager), ...pool, "--dispatcher-heartbeat", "3s"]);
  const { stdout: token } = await manager.engine.docker(["swarm", "join-token", "--quiet", "worker"]);
  for (const worker of workers) {
    await worker.engine.docker(["swarm", "join", ...at(worker), "--token", token.trim(), `${manager.address}:2377`]);
  }
  return Promise.all([manager, ...workers].map(async (node) => ({ ...node, id: await idOf(node.engine) })));
}

async function idOf(engine: EngineRig): Promise<string> {
  const { stdout } = await engine.docker(["info", "--format", "{{.Swarm.NodeID}}"]);
  return stdout.trim();
}

async function rigOf(
  [manager, ...workers]: readonly SwarmNodeRig[],
  network: NetworkSlot,
  stop: () => Promise<void>,
): Promise<SwarmNodes> {
  if (manager === undefined) throw new Error("a swarm needs a manager");
  const stateOf = async ({ id }: SwarmNodeRig): Promise<string> => {
    const { stdout } = await manager.engine.docker(["node", "inspect", id, "--format", "{{.Status.State}}"]);
    return stdout.trim();
  };
  const ready = async (): Promise<boolean> =>
    (await Promise.all([manager, ...workers].map(stateOf))).every((state) => state === "ready");
  await waitUntil("all nodes are ready", ready, { withinMs: 60_000, everyMs: 200 });
  return {
    manager,
    workers,
    hostAddress: network.hostAddress,
    stateOf,
    unplug: ({ namespace }) => network.unplug(namespace),
    plug: ({ namespace }) => network.plug(namespace),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
