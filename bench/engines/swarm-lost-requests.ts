import { beManager, makeBaseImages, makeProxyImages, startRegistry, temporaryFolder, useEngine } from "@belay/testkit";
import { openCatalogue } from "../../test/contract/images.ts";
import { createSwarmApplication } from "../../test/contract/swarm-application.ts";
import { ExistingServices } from "../../test/contract/swarm-services-stand.ts";
import { FAREWELL_S, gracefulImages } from "../../test/engines/graceful-images.ts";
import { makeFrontNetwork, SWARM_PROXIES, startProxy } from "../../test/engines/swarm-proxies.ts";
import type { Figure } from "../measure.ts";
import { lostRequestFigure } from "./lost-requests.ts";

/** It knows by itself when to give up. */
const PATIENCE_MS = 120_000;

/** Three tasks behind each proxy of docs/swarm-traffic.md, which finds them by their names: this needs no IPVS. */
export async function swarmLostRequests(): Promise<Figure[]> {
  await using engine = await useEngine();
  await beManager(engine);
  await using registry = await startRegistry();
  await makeBaseImages(engine);
  await makeProxyImages(engine);
  const images = gracefulImages(engine, await openCatalogue(registry));
  const figures: Figure[] = [];
  for (const [name, proxy] of Object.entries(SWARM_PROXIES)) {
    await using folder = await temporaryFolder("belay-bench-swarm");
    const project = `bench-${name}`;
    const network = await makeFrontNetwork(engine, project);
    const services = new ExistingServices(engine, images, project, folder.path);
    services.options = ["--network", network, "--stop-grace-period", `${FAREWELL_S + 20}s`];
    await services.define({ web: { replicas: 3 } });
    await services.up({ web: "good1" });
    const service = services.fullName("web");
    const url = await startProxy(engine, { project, service }, proxy);
    const app = createSwarmApplication(services, async () => undefined);
    const undo = () => engine.docker(["service", "rollback", service]);
    const comparison = { tool: "docker service update, rollback", patienceMs: PATIENCE_MS, undo };
    figures.push(
      await lostRequestFigure({ title: `Swarm behind ${name}`, app, url, bad: ["crash", "unhealthy"], ...comparison }),
    );
    await app.remove();
  }
  return figures;
}
