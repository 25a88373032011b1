/**
 * The simulated engine of the benches shows what a real one shows: a compose project is brought up on a real engine, and
 * whatever the simulation says of a container, in the list and by itself, of its image, of volumes and of what happens has to
 * stand there too, in the same type.
 */
import { request } from "node:http";
import { join } from "node:path";
import { SimulatedCompose, SimulatedFleet, temporaryFolder } from "@belay/testkit";
import { describe, expect } from "vitest";
import { askEngine } from "./ask-engine.ts";
import { it } from "./compose-shop.ts";
import type { ProjectStand } from "./compose-stand.ts";
import { leaves } from "./leaves.ts";

interface Listed {
  readonly Id: string;
  readonly ImageID: string;
}

interface Event {
  readonly Action: string;
}

interface Shown {
  readonly listed: object;
  readonly container: unknown;
  readonly image: unknown;
  readonly volumes: unknown;
  /** By what has happened, in the order in which it did. */
  readonly events: ReadonlyMap<string, readonly Event[]>;
}

/** The first container in the engine's list with what belongs to it, and what is told of it while `end` makes it end. */
async function shown(socketPath: string, project: string, end: () => unknown): Promise<Shown> {
  const label = [`com.docker.compose.project=${project}`, "com.docker.compose.oneoff=False"];
  const filters = encodeURIComponent(JSON.stringify({ type: ["container"], label: label.slice(0, 1) }));
  const ours = encodeURIComponent(JSON.stringify({ label }));
  const [listed] = (await askEngine(socketPath, `/containers/json?all=true&filters=${ours}`)) as Listed[];
  if (listed === undefined) throw new Error("the engine lists no container");
  const container = await askEngine(socketPath, `/containers/${listed.Id}/json`);
  const image = await askEngine(socketPath, `/images/${listed.ImageID}/json`);
  const volumes = await askEngine(socketPath, "/volumes");
  const events = await eventsUntil(socketPath, `since=1&filters=${filters}`, "destroy", end);
  return { listed, container, image, volumes, events: Map.groupBy(events, ({ Action }) => Action) };
}

/** What `/events` tells up to the first event of this name. `begun`: called as soon as the engine sends. */
async function eventsUntil(socketPath: string, query: string, last: string, begun: () => unknown): Promise<Event[]> {
  const over = new AbortController();
  const path = `/events?${query}`;
  const { promise, resolve, reject } = Promise.withResolvers<Event[]>();
  const asked = request({ socketPath, path, headers: { host: "docker" }, signal: over.signal }, async (response) => {
    const doing = Promise.resolve(begun());
    let text = "";
    for await (const part of response.setEncoding("utf8")) {
      text += part;
      const lines = text.split("\n").slice(0, -1);
      const events = lines.map((line) => JSON.parse(line) as Event);
      if (events.some(({ Action }) => Action === last)) return doing.then(() => resolve(events), reject);
    }
    reject(new Error(`the engine's events ended: ${text}`));
  });
  asked.once("error", reject).end();
  try {
    return await promise;
  } finally {
    over.abort();
  }
}

async function simulated(): Promise<Shown> {
  const folder = await temporaryFolder("belay-simulated");
  const socket = join(folder.path, "engine.sock");
  const engine = new SimulatedCompose(new SimulatedFleet({ services: 1, instancesPerService: 1 }));
  try {
    await engine.listen(socket);
    return await shown(socket, "fleet", () => engine.step("roll"));
  } finally {
    engine.stop();
    await folder.remove();
  }
}

/** What the simulation says of its service, in the words of a compose file. */
async function real(shop: ProjectStand): Promise<Shown> {
  const { repository } = await shop.image("good1");
  await shop.write(`
services:
  web:
    image: ${repository}:good1
    restart: unless-stopped
    expose: ["8080"]
    environment: { SERVICE: web }
`);
  await shop.compose(["up", "--detach", "--wait"]);
  const socket = shop.engine.host.replace("unix://", "");
  return shown(socket, shop.name, () => shop.compose(["rm", "--stop", "--force", "web"]));
}

/** What one engine shows that the other one does not; both call the project's network the same. */
function invented(fake: unknown, seen: unknown, project: string): string[] {
  const there = new Set(leaves(seen).map((leaf) => leaf.replace(`.${project}_default.`, ".fleet_default.")));
  return leaves(fake).filter((leaf) => !there.has(leaf));
}

describe("the simulated engine with a compose project", () => {
  it("shows nothing that a real one does not show", async ({ shop }) => {
    const [fake, seen] = [await simulated(), await real(shop)];
    const events = [...fake.events].map(([action, told]) => [action, told, seen.events.get(action)] as const);
    const kinds = (["listed", "container", "image", "volumes"] as const).map((kind) => [kind, fake[kind], seen[kind]]);
    const all = [...kinds, ...events].map(([what, one, other]) => [what, invented(one, other, shop.name)]);
    expect(Object.fromEntries(all)).toEqual(Object.fromEntries(all.map(([what]) => [what, []])));
    const told = ["create", "destroy", "die", "health_status: healthy", "kill", "start", "stop"];
    expect([...fake.events.keys()].sort()).toEqual(told);
  });
});
