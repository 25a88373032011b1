import { Redactor, scopeHash } from "@belay/core";
import { connectDocker } from "@belay/docker";
import { type EngineRig, startEngine, startTcpProxy } from "@belay/testkit";
import { url, writeShop } from "../engines/compose-shop.ts";
import { openStand, type ProjectStand, releaseOf } from "../engines/compose-stand.ts";
import type { FaultApp, FaultStand, GoodVariant, SeenInstance } from "./fault-stand.ts";

/** The worst that a user can have asked for: what Belay stopped comes back with the engine. */
const WEB = "restart: always\n    deploy: { replicas: 2 }";

/** Compose on an engine of its own, because it is killed. */
export async function openComposeFaults(): Promise<FaultStand> {
  const engine = await startEngine({ diskBytes: 2_000_000_000 });
  const stand = await openStand(engine);
  const network = await startTcpProxy({ path: engine.host.slice("unix://".length) });
  return {
    registry: stand.registry,
    network,
    moments: [
      ["act", "start"],
      ["watch", "start"],
      ["act", "shift"],
      ["watch", "shift"],
      ["act", "retire"],
      ["read back"],
    ],
    app: async (name) => appOf(engine, await stand.project(name), network.port),
    endEngine: (how) => (how === "kill" ? engine.kill() : engine.pause()),
    startEngine: () => engine.restart(),
    fillDisk: () => engine.fillDisk(),
    freeDisk: () => engine.freeDisk(),
    stop: async () => {
      await stand.stop();
      await network.stop();
      await engine.stop();
    },
  };
}

async function appOf(engine: EngineRig, shop: ProjectStand, port: number): Promise<FaultApp> {
  await writeShop(shop, WEB, "", "always");
  // As on a real target: the engine has to pull what it is to run.
  const { repository, digest } = await shop.image("good2");
  await engine.docker(["image", "rm", "--force", `${repository}@${digest}`], { allowedExitCodes: [0, 1] });
  const service = `label=com.docker.compose.service=web`;
  const project = `label=com.docker.compose.project=${shop.name}`;
  const ps = async (format: string): Promise<string[]> => {
    const { stdout } = await engine.docker([
      "ps",
      "--no-trunc",
      "--filter",
      project,
      "--filter",
      service,
      "--format",
      format,
    ]);
    return stdout.split("\n").filter((line) => line !== "");
  };
  const variantOf = async (image: string): Promise<SeenInstance["variant"]> => {
    for (const variant of ["good1", "good2"] as const) {
      const { digest } = await shop.image(variant);
      if (digest !== undefined && image.endsWith(`@${digest}`)) return variant;
    }
    return "unknown";
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
    release: async (variant: GoodVariant) => releaseOf({ web: await shop.image(variant) }),
    loseLedger: async () => {
      const { stdout } = await engine.docker(["volume", "ls", "-q", "--filter", `name=belay.${scopeHash(shop.scope)}`]);
      const records = stdout.split("\n").filter((line) => line !== "");
      if (records.length > 0) await engine.docker(["volume", "rm", ...records]);
      return records.length;
    },
    freeze: async (variant) => {
      for (const line of await ps("{{.ID}} {{.Image}}")) {
        const [id = "", image = ""] = line.split(" ");
        if ((await variantOf(image)) === variant) await engine.docker(["kill", "--signal", "STOP", id]);
      }
    },
    look: async () =>
      Promise.all(
        (await ps("{{.Image}}\t{{.Status}}")).map(async (line) => {
          const [image = "", status = ""] = line.split("\t");
          return { variant: await variantOf(image), healthy: status.includes("(healthy)") };
        }),
      ),
    answer: async () =>
      (await (await fetch(url(shop), { signal: AbortSignal.timeout(2_000) })).text()).split(" ")[0] ?? "",
    remove: () => shop.remove(),
  };
}
