import { writeFile } from "node:fs/promises";
import { createRunner, Redactor } from "@belay/core";
import { describe, expect } from "vitest";
import { drive, POLICY } from "./compose-driver.ts";
import { answers, it, release, writeShop } from "./compose-shop.ts";
import { releaseOf } from "./compose-stand.ts";

describe.concurrent("what compose owns and others own", () => {
  it("starts what the release depends on once, and never touches it again", async ({ shop }) => {
    const database = "image: belay-test/busybox:1\n    command: [sleep, '1000']\n    stop_grace_period: 0s";
    const job = `image: nothing:1\n    restart: "no"\n    depends_on: [db]`;
    const waits =
      "depends_on: { db: { condition: service_started }, migrate: { condition: service_completed_successfully } }";
    await writeShop(shop, waits, `db:\n    ${database}\n  migrate:\n    ${job}`);
    const services = { web: { name: "web" }, migrate: { name: "migrate" } };
    const both = async (web: string, migrate: string) =>
      releaseOf({ web: await shop.image(web), migrate: await shop.image(migrate) });
    const first = await drive(await shop.target({ services }), await both("good1", "done"), 1);
    expect(first).toMatchObject({ result: "succeeded" });
    expect(first.plan.services.map(({ service, goal }) => [service, goal])).toEqual([
      ["migrate", "complete"],
      ["web", "run"],
    ]);
    expect(first.plan.findings).toContainEqual(expect.objectContaining({ check: "dependencies_created" }));
    const before = await shop.ids();
    expect(Object.keys(before).map((name) => name.slice(shop.name.length + 1))).toEqual([
      ...["db-1", "migrate-1", "proxy-1", "web-1"],
    ]);
    const failing = await drive(await shop.target({ services }), await both("good2", "once"), 2);
    expect(failing.why).toContain("start migrate: ");
    expect(await shop.ids()).toEqual(before);
    const second = await drive(await shop.target({ services }), await both("good2", "done"), 3);
    expect(second.plan.services.map(({ action }) => action)).toEqual(["unchanged", "update"]);
    const after = await shop.ids();
    expect(after[`${shop.name}-db-1`]).toBe(before[`${shop.name}-db-1`]);
    expect(after[`${shop.name}-migrate-1`]).toBe(before[`${shop.name}-migrate-1`]);
  });

  it("tells the proxy that traffic moves, and fails when that fails", async ({ shop }) => {
    await writeShop(shop);
    await shop.compose(["up", "-d", "--wait"]);
    const before = await shop.ids();
    const hook = (command: string) => ({ shift: { service: "proxy", command: ["sh", "-c", command] } });
    const failing = await drive(await shop.target(hook("echo no such; exit 4")), await release(shop, "good2"), 1);
    expect(failing.why).toMatch(/^shift: .*exit code 4: no such/);
    expect(await shop.ids()).toEqual(before);
    const told = await drive(await shop.target(hook("echo told > /tmp/told")), await release(shop, "good2"), 2);
    expect(told.result).toBe("succeeded");
    const proxy = before[`${shop.name}-proxy-1`] ?? "";
    expect((await shop.engine.docker(["exec", proxy, "cat", "/tmp/told"])).stdout).toBe("told\n");
  });

  it("does not let compose replace a network whose definition changed", async ({ shop }) => {
    await writeShop(shop);
    await shop.compose(["up", "-d", "--wait"]);
    const before = await shop.ids("proxy");
    await writeShop(shop, "", "\nnetworks: { default: { labels: { changed: yes } } }");
    await drive(await shop.target(), await release(shop, "good2"), 1);
    expect(await shop.ids("proxy")).toEqual(before);
    await answers(shop, "good2");
  });

  it("copies configs and secrets into the new containers as compose does", async ({ shop }) => {
    const uses = "configs: [{ source: greeting, target: /etc/greeting }]\n    secrets: [token]";
    const top = `\nconfigs: { greeting: { content: 'a $$ and \${WHO}' } }\nsecrets: { token: { environment: TOKEN } }`;
    await writeShop(shop, uses, top);
    const options = { env: { WHO: "you", TOKEN: "s3cret" } };
    await drive(await shop.target(options), await release(shop, "good1"), 1);
    const [id = ""] = Object.values(await shop.ids("web"));
    const { stdout } = await shop.engine.docker(["exec", id, "cat", "/etc/greeting", "/run/secrets/token"]);
    expect(stdout).toBe("a $ and yous3cret");
    const rotated = await shop.target({ env: { ...options.env, TOKEN: "another" } });
    expect((await rotated.plan(await release(shop, "good1"), POLICY)).services[0]?.action).toBe("update");
  });

  it("gives a compose command that changes nothing", async ({ shop }) => {
    const other = `\n    environment: { W: "\${W:-old}" }`;
    await writeShop(shop, `env_file: [web.env]\n    labels: { a: 'b$$c', v: "\${V:-unset}", s: "\${S:-none}" }`, other);
    await writeFile(`${shop.folder}/web.env`, "E1=x\n");
    await shop.compose(["up", "-d", "--wait", "--scale", "web=2"]);
    const target = await shop.target({ env: { V: "it's set", W: "new", S: "s3cret" }, secretNames: ["S"] });
    await drive(target, await release(shop, "good2"), 1);
    const before = await shop.ids();
    const [coherent] = await target.advice();
    expect(coherent?.command).not.toContain("s3cret");
    const options = { cwd: shop.folder, env: { ...shop.engine.env, S: "s3cret" }, input: `${coherent?.command}\n` };
    await createRunner(new Redactor())("sh", ["-e"], options);
    expect(await shop.ids()).toEqual(before);
    // And a plain one would not: that is why it is told.
    await shop.compose(["up", "-d"]);
    expect(await shop.ids("web")).not.toEqual(before);
  });

  it("refuses containers of another deployment of Belay", async ({ shop }) => {
    await writeShop(shop);
    await drive(await shop.target(), await release(shop, "good1"), 1);
    const other = await shop.target({ scope: { ...shop.scope, environment: "production" } });
    const { findings } = await other.plan(await release(shop, "good2"), POLICY);
    expect(findings).toContainEqual(expect.objectContaining({ level: "refuse", check: "foreign_owner" }));
  });

  it("tells of what the containers of the service bring with them, and refuses an image of another platform", async ({
    shop,
  }) => {
    const found = async (platform: string): Promise<readonly string[]> => {
      const image = await shop.image("good2");
      const built = { [platform]: { config: `sha256:${"1".repeat(64)}` as const } };
      const { findings } = await (await shop.target()).plan(releaseOf({ web: { ...image, platforms: built } }), POLICY);
      return findings.filter(({ service }) => service === "web").map(({ level, check }) => `${level} ${check}`);
    };
    const native = `linux/${process.arch === "arm64" ? "arm64" : "amd64"}`;
    await writeShop(shop);
    await shop.compose(["up", "-d", "--wait", "web"]);
    expect(await found(native)).toEqual([]);
    expect(await found("linux/s390x")).toEqual(["refuse wrong_platform"]);
    const database = "image: belay-test/busybox:1\n    command: [sleep, '1000']\n    stop_grace_period: 0s";
    const web = 'depends_on: [db]\n    volumes: ["/data"]\n    labels: ["traefik.http.routers.web.rule=Path(`/`)"]';
    await writeShop(shop, web, `db:\n    ${database}`);
    await shop.compose(["up", "-d", "--wait", "web"]);
    await shop.compose(["stop", "db"]);
    const expected = ["warn anonymous_volume", "warn dependency_stopped", "warn discovered_by_labels"];
    expect([...(await found(native))].sort()).toEqual(expected);
  });

  it("warns of a running image that no registry is known to have", async ({ shop }) => {
    await shop.write(
      `services: { web: { image: "belay-test/busybox:1", command: [sleep, "1000"], stop_grace_period: 0s } }`,
    );
    await shop.compose(["up", "-d", "web"]);
    const { findings } = await (await shop.target()).plan(await release(shop, "good2"), POLICY);
    const local = { level: "warn", check: "local_image", message: expect.stringContaining("(belay-test/busybox:1)") };
    expect(findings).toEqual([expect.objectContaining(local)]);
  });

  it.for<readonly [string, RegExp]>([
    ["services: [", /yaml|did not find/i],
    [`services: { web: { image: 'x:\${NOPE}' } }`, /the variable NOPE is used there and not set/],
    // This process has the variable VITEST, and belay.yaml does not name it.
    [`services: { web: { image: 'x:\${VITEST}' } }`, /the variable VITEST is used there and not set/],
    ["services: { other: { image: x } }", /no service web, only other/],
    ["services: { web: { image: x, env_file: [gone.env] } }", /gone\.env/],
  ])("refuses the file %s", async ([text, message], { shop }) => {
    await shop.write(text);
    const plan = (await shop.target()).plan(await release(shop, "good1"), POLICY);
    await expect(plan).rejects.toMatchObject({ code: "CONFIG_INVALID", message: expect.stringMatching(message) });
  });

  it("refuses a file that is not there, and an image that is not there", async ({ shop }) => {
    const target = await shop.target({ files: ["gone.yaml"] });
    await expect(target.plan(await release(shop, "good1"), POLICY)).rejects.toThrow(/gone\.yaml/);
    await writeShop(shop);
    const image = await shop.image("good1");
    const missing = { ...image, digest: `sha256:${"0".repeat(64)}` as const };
    const asking = await shop.target({ imageAvailable: async () => "no" });
    const { findings } = await asking.plan(releaseOf({ web: missing }), POLICY);
    expect(findings).toContainEqual(expect.objectContaining({ level: "refuse", check: "image_missing" }));
    const blind = await drive(await shop.target(), releaseOf({ web: missing }), 1);
    expect(blind.why).toContain("image_unavailable");
    expect(await shop.ids("web")).toEqual({});
  });
});
