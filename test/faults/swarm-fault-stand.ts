import { Redactor, scopeHash, systemClock } from "@belay/core";
import {
  createTestLog,
  type EngineRig,
  type SwarmNodes,
  startRegistry,
  startSwarmNodes,
  startTcpProxy,
  temporaryFolder,
  waitUntil,
} from "@belay/testkit";
import { type ImageCatalogue, openCatalogue } from "../contract/images.ts";
import { askObserver } from "../contract/observer.ts";
import type { SwarmSettings } from "../contract/open-swarm.ts";
import { createSwarmApplication } from "../contract/swarm-application.ts";
import { Stack } from "../contract/swarm-stand.ts";
import { openBy } from "../contract/target-opener.ts";
import { titled } from "../contract/titled.ts";
import { cutOnce } from "./cut-once.ts";
import type { Breakage, FaultApp, FaultStand } from "./fault-stand.ts";
import { unlessGone } from "./unless-gone.ts";

/** How long there is no quorum, at least. */
const AWAY_MS = 3_000;

/** A whole stack on a swarm whose only manager runs the tasks too, which is the worst place for them. */
export async function openSwarmFaults(): Promise<FaultStand> {
  const nodes = await startSwarmNodes({ workers: 1, diskBytes: 700_000_000 });
  const { engine } = nodes.manager;
  const quorum = await openQuorum(nodes);
  const registry = await startRegistry({ host: nodes.hostAddress });
  const images = await openCatalogue(registry);
  const network = await startTcpProxy({ path: engine.host.slice("unix://".length) });
  const again = async (end: () => Promise<void>): Promise<void> => {
    await end();
    await engine.restart();
  };
  return {
    title: titled("Swarm, whole stack"),
    registry,
    network,
    stage: "update",
    moments: [["act", "update"], ["restore act"], ["read back"], ["watch", "update"], ["restore watch"], ["end"]],
    also: { "engine restarted": ["restore watch"], "network cut to the end": ["restore watch"] },
    breakages: {
      "engine restarted": { strike: () => again(() => engine.pause()) },
      "engine killed and started": { strike: () => again(() => engine.kill()) },
      "engine's store away for a while": quorum,
      "node drained and back": { strike: () => drainAndBack(nodes) },
      "disk full": { strike: () => engine.fillDisk(), mend: () => engine.freeDisk(), first: true },
      "ledger removed": { strike: (app) => app.loseLedger(), first: true },
      "connections cut once": { strike: async () => cutOnce(network), first: true },
    },
    impossible: {
      "node's agent away for a while":
        "the agent is the engine itself, on a worker too (test/engines/swarm-nodes.test.ts)",
      "node's agent gone for longer than a run waits":
        "the agent is the engine itself, on a worker too (test/engines/swarm-nodes.test.ts)",
      "frozen release": "the engine's own health check finds it, as it finds the case `unhealthy after 6 s`",
    },
    app: (name) => openApp(engine, images, name, network.port),
    killEngine: () => engine.kill(),
    startEngine: () => engine.restart(),
    stop: async () => {
      await network.stop();
      await registry.stop();
      await nodes.stop();
    },
  };
}

/**
 * The swarm's state is there as long as more than half of its managers are: a second one that dies takes it away from the
 * first, which runs all tasks.
 */
async function openQuorum({ manager, workers: [second], stateOf }: SwarmNodes): Promise<Breakage> {
  if (second === undefined) throw new Error("a quorum to be lost needs a second node");
  const docker = async (...args: string[]): Promise<string> => (await manager.engine.docker(args)).stdout.trim();
  await docker("node", "update", "--availability", "drain", second.id);
  const acts = async (): Promise<boolean> =>
    (await manager.engine.docker(["node", "ls"], { allowedExitCodes: [0, 1] })).exitCode === 0;
  let back = Promise.resolve();
  return {
    prepare: async () => {
      await docker("node", "promote", second.id);
      const format = "{{with .ManagerStatus}}{{.Reachability}}{{end}}";
      const reachable = async (): Promise<boolean> =>
        (await docker("node", "inspect", "--format", format, second.id)) === "reachable";
      await waitUntil("there are two managers", reachable, { withinMs: 60_000, everyMs: 200 });
    },
    strike: async () => {
      await second.engine.kill();
      await waitUntil("the quorum is lost", async () => !(await acts()), { withinMs: 60_000, everyMs: 200 });
      back = systemClock.sleep(AWAY_MS).then(() => second.engine.restart());
    },
    first: true,
    // Managers notice after ten seconds and more that they have lost each other, and wait as long before they elect a leader.
    policy: { startMs: 120_000, deadlineMs: 180_000 },
    mend: async () => {
      await back;
      await waitUntil("there is a quorum again", acts, { withinMs: 60_000, everyMs: 200 });
      await docker("node", "demote", second.id);
      // A new leader takes no node for ready until it has heard of it.
      const ready = async (): Promise<boolean> =>
        (await Promise.all([manager, second].map(stateOf))).every((state) => state === "ready");
      await waitUntil("the nodes are ready again", ready, { withinMs: 60_000, everyMs: 200 });
    },
  };
}

/** Until nothing runs there any more. */
async function drainAndBack({ manager }: SwarmNodes): Promise<void> {
  const { engine, id } = manager;
  await engine.docker(["node", "update", "--availability", "drain", id]);
  const empty = async (): Promise<boolean> =>
    (await engine.docker(["ps", "-q", "--filter", "label=com.docker.swarm.task.id"])).stdout.trim() === "";
  await waitUntil("the node is empty", empty, { withinMs: 60_000, everyMs: 100 });
  await engine.docker(["node", "update", "--availability", "active", id]);
}

async function openApp(engine: EngineRig, images: ImageCatalogue, name: string, port: number): Promise<FaultApp> {
  const folder = await temporaryFolder("belay-faults");
  const app = createSwarmApplication(new Stack(engine, images, name, folder.path), folder.remove);
  await app.define({ web: { replicas: 2 } });
  const log = createTestLog();
  const lines = async (...args: string[]): Promise<string[]> =>
    (await engine.docker(args)).stdout.split("\n").filter((line) => line !== "");
  return {
    log,
    target: () => {
      const { module, settings } = app.opener();
      const own = settings as SwarmSettings;
      const env = { ...own.env, DOCKER_HOST: `tcp://127.0.0.1:${port}` };
      return openBy({ module, settings: { ...own, env } satisfies SwarmSettings }, { log, redactor: new Redactor() });
    },
    release: (variant) => app.release({ web: variant }),
    pulling: async (digest) => {
      const begun = async (): Promise<boolean> =>
        (await lines("service", "ps", "--no-trunc", "--format", "{{.Image}}", `${name}_web`)).some((one) =>
          one.endsWith(digest),
        );
      await waitUntil("a task is to be started", begun, { withinMs: 60_000, everyMs: 5 });
    },
    loseLedger: async () => {
      const records = await lines("config", "ls", "-q", "--filter", `label=dev.belay.scope=${scopeHash(app.scope)}`);
      for (const one of records) await unlessGone(engine.docker(["config", "rm", one]));
      return records.length;
    },
    look: async () => (await askObserver(app.observer)).services.web ?? [],
    answer: async () => {
      const [id = ""] = await lines("ps", "-q", "--filter", `label=com.docker.swarm.service.name=${name}_web`);
      return (await lines("exec", id, "wget", "-q", "-O-", "http://127.0.0.1:8080/"))[0] ?? "";
    },
    tell: async () => (await lines("service", "ps", "--no-trunc", `${name}_web`)).join("\n"),
    remove: () => app.remove(),
  };
}
