/**
 * The simulated manager of the benches shows what a real one shows: its own service is created on a real swarm and updated
 * there, and whatever the simulation says of service, task, node and network has to stand there too, in the same type.
 */
import { join } from "node:path";
import { SimulatedFleet, SimulatedSwarm, temporaryFolder, waitUntil } from "@belay/testkit";
import { describe, expect } from "vitest";
import { askEngine } from "./ask-engine.ts";
import { leaves } from "./leaves.ts";
import { it, type Shop } from "./swarm-services.ts";

type Json = Record<string, unknown>;

async function simulated(): Promise<Record<"service" | "task" | "node" | "network", Json>> {
  const folder = await temporaryFolder("belay-simulated");
  const socket = join(folder.path, "engine.sock");
  const swarm = new SimulatedSwarm(new SimulatedFleet({ services: 1, instancesPerService: 1 }));
  try {
    await swarm.listen(socket);
    const first = async (path: string) => ((await askEngine(socket, path)) as Json[])[0] as Json;
    const [service, task] = [await first("/services"), await first("/tasks")];
    return { service, task, node: await first("/nodes"), network: await first("/networks") };
  } finally {
    swarm.stop();
    await folder.remove();
  }
}

/** The simulation's own specs on a real swarm: created with what it says was there before, then updated. */
async function realOnes(shop: Shop, fake: Json): Promise<Record<"service" | "task" | "node" | "network", unknown>> {
  const network = (
    await shop.engine.docker([
      "network",
      "create",
      "--driver",
      "overlay",
      "--label",
      "com.docker.stack.namespace=fleet",
      `${shop.scope.project}_net`,
    ])
  ).stdout.trim();
  const body = async (spec: Json, variant: "good1" | "good2"): Promise<Json> => {
    const task = spec.TaskTemplate as Json;
    const container = {
      ...(task.ContainerSpec as Json),
      Image: await shop.pin(variant),
      Healthcheck: { ...(task.ContainerSpec as { Healthcheck: Json }).Healthcheck, Test: ["NONE"] },
    };
    const TaskTemplate = { ...task, ContainerSpec: container, Networks: [{ Target: network, Aliases: ["web"] }] };
    return { ...spec, Name: shop.name(), TaskTemplate };
  };
  await shop.docker.services.create((await body(fake.PreviousSpec as Json, "good1")) as never);
  shop.services.add("web");
  await waitUntil("the service is up", () => shop.isUp(), { withinMs: 90_000 });
  const { ID, Version } = await shop.inspect();
  await shop.docker.services.update(ID, Version, (await body(fake.Spec as Json, "good2")) as never);
  const updated = async () => (await shop.inspect()).UpdateStatus?.State === "completed";
  await waitUntil("the service is updated", updated, { withinMs: 90_000 });
  const socket = shop.engine.host.replace("unix://", "");
  const filters = encodeURIComponent(JSON.stringify({ service: [shop.name()], "desired-state": ["running"] }));
  const named = (list: unknown, key: string, value: string) => (list as Json[]).find((one) => one[key] === value);
  return {
    service: named(await askEngine(socket, "/services"), "ID", ID),
    task: ((await askEngine(socket, `/tasks?filters=${filters}`)) as Json[])[0],
    node: ((await askEngine(socket, "/nodes")) as Json[])[0],
    network: named(await askEngine(socket, "/networks"), "Id", network),
  };
}

describe("the simulated swarm", () => {
  it("shows nothing that a real one does not show", async ({ shop }) => {
    const fake = await simulated();
    const real = await realOnes(shop, fake.service);
    for (const kind of ["service", "task", "node", "network"] as const) {
      const shown = new Set(leaves(real[kind]));
      expect(
        leaves(fake[kind]).filter((one) => !shown.has(one)),
        kind,
      ).toEqual([]);
    }
  });
});
