import { Redactor, scopeHash } from "@belay/core";
import { connectDocker } from "@belay/docker";
import { type EngineRig, startEngine, startTcpProxy } from "@belay/testkit";
import { titled } from "../contract/titled.ts";
import { url, writeShop } from "../engines/compose-shop.ts";
import { openStand, type ProjectStand, releaseOf } from "../engines/compose-stand.ts";
import { cutOnce } from "./cut-once.ts";
import type { FaultApp, FaultStand } from "./fault-stand.ts";
import { unlessGone } from "./unless-gone.ts";

/** The worst that a user can have asked for: what Belay stopped comes back with the engine. */
const WEB = "restart: always\n    deploy: { replicas: 2 }";

const ONE_ENGINE = "one engine has no nodes beside it";

/** Compose on an engine of its own, because it is killed. */
export async function openComposeFaults(): Promise<FaultStand> {
  const engine = await startEngine({ diskBytes: 2_000_000_000 });
  const stand = await openStand(engine);
  const network = await startTcpProxy({ path: engine.host.slice("unix://".length) });
  const again = async (end: () => Promise<void>): Promise<void> => {
    await end();
    await engine.restart();
  };
  return {
    title: titled("Compose"),
    registry: stand.registry,
    network,
    stage: "start",
    moments: [
      ["act", "start"],
      ["watch", "start"],
      ["act", "shift"],
      ["watch", "shift"],
      ["act", "retire"],
      ["read back"],
    ],
    keepsGood: true,
    soaked: [["restore act"], ["restore watch"]],
    breakages: {
      "engine restarted": { strike: () => again(() => engine.pause()) },
      "engine killed and started": { strike: () => again(() => engine.kill()) },
      "disk full": { strike: () => engine.fillDisk(), mend: () => engine.freeDisk(), first: true },
      "ledger removed": { strike: (app) => app.loseLedger(), first: true },
      "connections cut once": { strike: async () => cutOnce(network), first: true },
    },
    impossible: {
      "engine's store away for a while": "the engine keeps its own state",
      "node's agent away for a while": ONE_ENGINE,
      "node's agent gone for longer than a run waits": ONE_ENGINE,
      "node drained and back": ONE_ENGINE,
    },
    app: async (name) => appOf(engine, await stand.project(name), network.port),
    killEngine: () => engine.kill(),
    startEngine: () => engine.restart(),
    stop: async () => {
      await stand.stop();
      await network.stop();
      await engine.stop();
    },
  };
}

async function appOf(engine: EngineRig, shop: ProjectStand, port: number): Promise<FaultApp> {
  await writeShop(shop, WEB, "", "always");
  const service = `label=com.docker.compose.service=web`;
  const project = `label=com.docker.compose.project=${shop.name}`;
  const ps = async (format: string): Promise<string[]> => {
    const filters = ["--filter", project, "--filter", service];
    const { stdout } = await engine.docker(["ps", "--no-trunc", ...filters, "--format", format]);
    return stdout.split("\n").filter((line) => line !== "");
  };
  return {
    log: shop.log,
    target: async () => {
      const docker = await connectDocker({
        host: `tcp://127.0.0.1:${port}`,
        env: engine.env,
        redactor: new Redactor(),
        deadlineMs: 60_000,
      });
      const target = await shop.target({ docker, cliArgs: await docker.cliArguments() });
      return { target, close: () => docker.close() };
    },
    release: async (variant) => releaseOf({ web: await shop.image(variant) }),
    pulling: () => new Promise((resolve) => shop.log.onLine((line) => void (line.includes("pulling") && resolve()))),
    loseLedger: async () => {
      const { stdout } = await engine.docker(["volume", "ls", "-q", "--filter", `name=belay.${scopeHash(shop.scope)}`]);
      const records = stdout.split("\n").filter((line) => line !== "");
      for (const one of records) await unlessGone(engine.docker(["volume", "rm", one]));
      return records.length;
    },
    freeze: async (digest) => {
      for (const line of await ps("{{.ID}} {{.Image}}")) {
        const [id = "", image = ""] = line.split(" ");
        if (image.endsWith(`@${digest}`)) await engine.docker(["kill", "--signal", "STOP", id]);
      }
    },
    look: async () =>
      (await ps("{{.Image}}\t{{.Status}}")).map((line) => {
        const [image = "", status = ""] = line.split("\t");
        return { digests: /sha256:[0-9a-f]{64}$/.exec(image) ?? [], healthy: status.includes("(healthy)") };
      }),
    answer: async () =>
      (await (await fetch(url(shop), { signal: AbortSignal.timeout(2_000) })).text()).split(" ")[0] ?? "",
    tell: async () => (await engine.docker(["ps", "--all", "--no-trunc", "--filter", project])).stdout,
    remove: () => shop.remove(),
  };
}
