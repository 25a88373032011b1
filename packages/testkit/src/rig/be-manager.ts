import { freePort } from "./free-port.ts";
import type { AttachedEngine } from "./use-engine.ts";

/**
 * Makes the engine the manager of a swarm of its own. One that others use as well may be that already, or become it at this
 * moment. Swarms of several engines on one machine need addresses, ports and a gateway bridge of their own: engines
 * share whatever is named `docker_gwbridge`, and with it containers' addresses, until one of them takes it away.
 */
export async function beManager(engine: Pick<AttachedEngine, "docker">): Promise<void> {
  const port = await freePort();
  // The engine takes 1024 to 49151 for this one.
  const data = 20_000 + ((await freePort()) % 29_000);
  const address = `127.${(port >> 8) % 256}.${port % 256}.1`;
  const own = ["--advertise-addr", `${address}:${port}`, "--listen-addr", `${address}:${port}`];
  await engine.docker(gatewayBridge(`belaygw${port}`), { allowedExitCodes: [0, 1] });
  const init = ["swarm", "init", ...own, "--data-path-port", String(data)];
  const { stderr } = await engine.docker(init, { allowedExitCodes: [0, 1] });
  const { stdout } = await engine.docker(["info", "--format", "{{.Swarm.ControlAvailable}}"]);
  if (stdout.trim() !== "true") throw new Error(`the test engine is no manager of a swarm: ${stderr}`);
}

/** The engine takes a network of that name as it finds it (Docker's manual, "Customize the docker_gwbridge interface"). */
function gatewayBridge(link: string): string[] {
  const options = [`com.docker.network.bridge.name=${link}`, "com.docker.network.bridge.enable_icc=false"];
  return ["network", "create", ...options.flatMap((one) => ["--opt", one]), "docker_gwbridge"];
}
