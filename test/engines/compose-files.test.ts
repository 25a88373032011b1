import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { drive } from "./compose-driver.ts";
import { it } from "./compose-shop.ts";
import { type ProjectStand, releaseOf } from "./compose-stand.ts";

async function write(shop: ProjectStand, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(shop.folder, name, ".."), { recursive: true });
    await writeFile(join(shop.folder, name), text);
  }
}

async function inside(shop: ProjectStand, service: string, command: string): Promise<string> {
  const [id = ""] = Object.values(await shop.ids(service));
  return (await shop.engine.docker(["exec", id, "sh", "-c", command])).stdout.trim();
}

/** A database that is healthy only after a while: who depends on its health has to wait. */
const DATABASE = `
    image: belay-test/busybox:1
    command: [sh, -c, "sleep 2; touch /tmp/up; sleep 1000"]
    stop_grace_period: 0s
    healthcheck: { test: [CMD, test, -f, /tmp/up], interval: 500ms, timeout: 15s, retries: 100 }`;

describe("what a project of Compose may be made of", () => {
  it("several files, .env, env_file, extends, include, a profile, a build section and a named volume", async ({
    shop,
  }) => {
    await write(shop, {
      ".env": "GREETING=hello\nLEVEL=from-dotenv\n",
      "web.env": "FROM_FILE=yes\n",
      "common.yaml": `services: { base: { environment: { INHERITED: "1" }, stop_grace_period: 5s } }`,
      "more/cache.yaml": `services: { cache: { image: belay-test/busybox:1, command: [sleep, "1000"], stop_grace_period: 0s } }`,
      "compose.yaml": `
include: [more/cache.yaml]
services:
  web:
    extends: { file: common.yaml, service: base }
    build: ./no-such-folder
    environment: { GREETING: "\${GREETING}", LEVEL: "\${LEVEL}" }
    env_file: [web.env]
    volumes: ["assets:/assets:ro"]
    depends_on:
      cache: { condition: service_started }
      job: { condition: service_completed_successfully, required: false }
  job: { image: "nothing:1", profiles: [jobs], restart: "no" }
  tools: { image: "nothing:1", profiles: [tools] }
volumes: { assets: {} }`,
      "override.yaml": `services: { web: { environment: { OVERRIDDEN: "2" } } }`,
    });
    const options = {
      files: ["compose.yaml", "override.yaml"],
      profiles: ["jobs"],
      env: { LEVEL: "from-belay" },
      services: { web: { name: "web" }, job: { name: "job" } },
    };
    const release = releaseOf({ web: await shop.image("good1"), job: await shop.image("done") });
    const driven = await drive(await shop.target(options), release, 1);
    expect(driven.why, shop.log.text()).toBeUndefined();
    expect(driven.plan.services.map(({ service, goal }) => `${service} ${goal}`).sort()).toEqual([
      "job complete",
      "web run",
    ]);
    const names = Object.keys(await shop.ids()).map((name) => name.slice(shop.name.length + 1));
    expect(names.sort()).toEqual(["cache-1", "job-1", "web-1"]);
    const variables = "echo $GREETING $LEVEL $FROM_FILE $INHERITED $OVERRIDDEN";
    expect(await inside(shop, "web", variables)).toBe("hello from-belay yes 1 2");
    const [web = ""] = Object.values(await shop.ids("web"));
    const { stdout } = await shop.engine.docker(["inspect", "--format", "{{json .Mounts}}", web]);
    expect(JSON.parse(stdout)).toMatchObject([{ Name: `${shop.name}_assets`, Destination: "/assets", RW: false }]);
    const [before, again] = [await shop.ids(), await drive(await shop.target(options), release, 2)];
    expect(again.plan.services.map(({ action }) => action)).toEqual(["unchanged", "unchanged"]);
    expect(await shop.ids()).toEqual(before);
  });

  it("a service of a profile that nobody chose is not there", async ({ shop }) => {
    await write(shop, { "compose.yaml": `services: { web: { image: "x:1", profiles: [other] } }` });
    const planned = drive(await shop.target(), releaseOf({ web: await shop.image("good1") }), 1);
    await expect(planned).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("target.profiles"),
    });
  });

  it("depends_on with conditions: healthy before the one-shot, and that done before what needs it", async ({
    shop,
  }) => {
    await write(shop, {
      "compose.yaml": `
services:
  db:${DATABASE}
  migrate:
    image: nothing:1
    restart: "no"
    depends_on: { db: { condition: service_healthy } }
  web:
    image: nothing:1
    depends_on: { migrate: { condition: service_completed_successfully }, db: { condition: service_healthy } }
  worker:
    image: nothing:1
    depends_on: { web: { condition: service_healthy } }`,
    });
    const services = { web: { name: "web" }, migrate: { name: "migrate" }, worker: { name: "worker" } };
    const release = async (web: string, migrate: string) =>
      releaseOf({
        web: await shop.image(web),
        migrate: await shop.image(migrate),
        worker: await shop.image("good1"),
      });
    const first = await drive(await shop.target({ services }), await release("good1", "done"), 1);
    expect(first.why, shop.log.text()).toBeUndefined();
    const times = await startTimes(shop, ["db", "migrate", "web", "worker"]);
    expect(times.map(({ name }) => name)).toEqual(["db", "migrate", "web", "worker"]);
    const before = await shop.ids();
    const bad = await drive(await shop.target({ services }), await release("good2", "once"), 2);
    expect(bad).toMatchObject({ result: "rolled_back", why: expect.stringContaining("start migrate") });
    expect(await shop.ids()).toEqual(before);
  });
});

/** Services in the order in which the engine started them. */
async function startTimes(shop: ProjectStand, services: readonly string[]): Promise<{ name: string; at: string }[]> {
  const times = services.map(async (name) => {
    const [id = ""] = Object.values(await shop.ids(name));
    const { stdout } = await shop.engine.docker(["inspect", "--format", "{{.State.StartedAt}}", id]);
    return { name, at: stdout.trim() };
  });
  return (await Promise.all(times)).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}
