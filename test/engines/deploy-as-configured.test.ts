/** What belay.yaml and the options of `belay deploy` say of a deployment holds on the engine, by the bundled command line. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  announceCommit,
  beManager,
  type CliRun,
  openShop,
  runCli,
  type ShopStage,
  startSsh,
  waitForAnswer,
} from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let shop: ShopStage;
/** The example's belay.yaml. */
let original: string;

beforeAll(async () => {
  shop = await openShop();
  const file = await readFile(join(shop.repository.folder, "belay.yaml"), "utf8");
  // A program inside a container starts slowly where much else goes on.
  original = file.replaceAll("timeout: 1s", "timeout: 20s");
});
afterAll(() => shop?.[Symbol.asyncDispose]());

/** Builds and pushes the commit that is checked out. @returns the folder of its release. */
async function publish(title: string, stage = shop): Promise<string> {
  await announceCommit(stage, title);
  const { folder, exitCode, stderr } = await runCli(stage, "build");
  expect(exitCode, stderr).toBe(0);
  const pushed = await runCli(stage, "push", { folder });
  expect(pushed.exitCode, pushed.stderr).toBe(0);
  return folder;
}

/** The probe of the example's instances, and one that asks the same from inside. */
const BY_ADDRESS = 'http: "http://:8080/healthz"';
const BY_PROGRAM = `command: [node, -e, "fetch('http://127.0.0.1:8080/').then(({ ok }) => process.exit(ok ? 0 : 1))"]`;
const RUNNERS = `http://127.0.0.1:\${PORT}/healthz`;
const STATUS = "          status: 200,\n";

const QUICK = ["--json", "--stable", "1s", "--drain", "0s"];

function deploy(folder: string, args: readonly string[] = [], env: Record<string, string> = {}): Promise<CliRun> {
  return runCli(shop, "deploy", { folder, args: [...QUICK, ...args], env });
}

/** Whatever is not asked where belay.yaml says finds no engine. */
const NOWHERE = { DOCKER_HOST: "unix:///nonexistent/docker.sock" };

/** A context of the docker command line that leads to the engine of `stage`. @returns its name. */
async function makeContext(stage: ShopStage): Promise<string> {
  const name = `belay-${stage.project}`;
  await stage.engine.docker(["context", "create", name, "--docker", `host=${stage.engine.host}`]);
  return name;
}

let configured = 0;

/** Commits the example's belay.yaml with these changes. */
async function configure(...changes: readonly (readonly [from: string, to: string])[]): Promise<void> {
  const changed = changes.reduce((text, [from, to]) => text.replace(from, to), original);
  await writeFile(join(shop.repository.folder, "belay.yaml"), changed);
  // No commit is without a change.
  await shop.repository.commit("Configure", "belay.yaml", ["version: 1", `version: 1 # ${++configured}`]);
}

/** Containers of the service, whatever became of them, and the image of each. */
async function containers(): Promise<readonly string[]> {
  const filters = [`label=com.docker.compose.project=${shop.project}`, "label=com.docker.compose.service=web"];
  const asked = ["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Image}}"];
  const { stdout } = await shop.engine.docker([...asked, ...filters.flatMap((one) => ["--filter", one])]);
  return stdout.split("\n").filter(Boolean).sort();
}

describe("a deployment", { timeout: 300_000 }, () => {
  it("of a commit before the one that runs is refused, unless it is asked for", async () => {
    const folders = [];
    for (const greeting of ["Shop one", "Shop two"]) {
      const before = greeting === "Shop one" ? "Welcome to the shop" : "Shop one";
      await shop.repository.commit(greeting, "web/shop.mjs", [before, greeting]);
      folders.push(await publish(greeting));
    }
    const [older = "", newer = ""] = folders;
    const now = await deploy(newer);
    expect(now.json, now.stderr).toMatchObject({ outcome: "succeeded" });
    const before = await containers();
    const refused = await deploy(older);
    expect(refused.json, refused.stderr).toMatchObject({ outcome: "refused" });
    expect(refused.exitCode).toBe(3);
    expect(refused.stdout + refused.stderr).toContain("allow-older");
    expect(await containers()).toEqual(before);
    const allowed = await deploy(older, ["--allow-older"]);
    expect(allowed.json, allowed.stderr).toMatchObject({ outcome: "succeeded" });
    expect(await (await fetch(shop.url)).text()).toContain("Shop one");
    expect((await deploy(newer)).json).toMatchObject({ outcome: "succeeded" });
  });

  /** Each asks for the page itself, which the images' own health check does not. */
  it.each([
    ["each instance", [[BY_ADDRESS, 'http: "http://:8080/"']]],
    ["the runner", [[RUNNERS, RUNNERS.replace("/healthz", "/")]]],
    [
      "a program in each instance",
      [
        [STATUS, ""],
        [BY_ADDRESS, BY_PROGRAM],
      ],
    ],
  ] as const)("whose page fails when %s asks for it is taken off, with that as the cause", async (_who, changes) => {
    await configure(...changes);
    const good = await deploy(await publish("Ask for the page"));
    expect(good.json, good.stderr).toMatchObject({ outcome: "succeeded" });
    const before = await containers();
    const broken = ["response.setHeader(", "response.statusCode = 500;\n  response.setHeader("] as const;
    await shop.repository.commit("Break the page", "web/server.mjs", broken);
    const folder = await publish("Break the page");
    await shop.repository.commit("Mend the page", "web/server.mjs", [broken[1], broken[0]]);
    const bad = await deploy(folder);
    expect(bad.json, bad.stderr).toMatchObject({ outcome: "rolled_back", cause: { cause: "probe_failed" } });
    expect(await containers()).toEqual(before);
    expect((await fetch(shop.url)).status).toBe(200);
  });

  it("to a host over ssh, as belay.yaml names it, logs in once", async () => {
    await using undo = new AsyncDisposableStack();
    const ssh = await startSsh({ dockerHost: shop.engine.host });
    undo.defer(() => ssh.stop());
    const host = ["# host: ssh://deploy@shop.example", `host: ${ssh.host}`] as const;
    const env = { ...ssh.env, ...NOWHERE };
    await configure(host);
    const folder = await publish("Deploy to the host");
    const before = await containers();
    const unable = await deploy(folder, [], env);
    expect(unable.stderr).toContain("`from: instance` needs Belay to run on the engine's host");
    expect(unable.exitCode).toBe(2);
    expect(await containers()).toEqual(before);
    const logins = await ssh.logins();
    await configure(host, [STATUS, ""], [BY_ADDRESS, BY_PROGRAM]);
    const done = await deploy(await publish("Ask from inside"), [], env);
    expect(done.json, done.stderr).toMatchObject({ outcome: "succeeded" });
    expect(await ssh.logins()).toBe(logins + 1);
    expect(await containers()).not.toEqual(before);
    await waitForAnswer(shop.url);
  });

  it("to the engine of a docker context, as belay.yaml names it", async () => {
    await configure(["# host: ssh://deploy@shop.example", `context: ${await makeContext(shop)}`]);
    const before = await containers();
    const done = await deploy(await publish("Deploy by the context"), [], NOWHERE);
    expect(done.json, done.stderr).toMatchObject({ outcome: "succeeded" });
    expect(await containers()).not.toEqual(before);
    await waitForAnswer(shop.url);
  });
});

const HOST = "# host: ssh://deploy@manager.shop.example";
const FAULT = 'throw new Error("cannot read the price list");\n';

/** The swarm's probe, from inside: for the page itself, which the image's own health check does not ask for. */
const BY_TASK = [
  `from: runner,
          http: "${RUNNERS}",
          interval: 1s,
          timeout: 1s,
          retries: 3,
          status: 200,`,
  `from: instance,
          command: [wget, -q, -O, /dev/null, "http://127.0.0.1:8080/"],
          interval: 1s,
          timeout: 20s,
          retries: 1,`,
] as const;
/** The page is good for whoever asks first. */
const ANSWERS_ONCE = [
  "  response.setHeader(",
  "  if (globalThis.asked) response.statusCode = 500;\n  globalThis.asked = true;\n  response.setHeader(",
] as const;

/** Image and state of the tasks of `web` that are to run, by a plain look from outside. */
async function tasks({ engine, project }: ShopStage): Promise<readonly string[]> {
  const args = ["--no-trunc", "--filter", "desired-state=running", "--format", "{{.Image}} {{.CurrentState}}"];
  const { stdout } = await engine.docker(["service", "ps", ...args, `${project}_web`]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => line.split(" ").slice(0, 2).join(" ")).sort();
}

describe("a deployment to a swarm", { timeout: 300_000 }, () => {
  it("over ssh logs in once and goes back from a bad release, and goes by a docker context as well", async () => {
    await using undo = new AsyncDisposableStack();
    await beManager(shop.engine);
    const secrets = { DATABASE_PASSWORD: "hunter2-of-the-database" };
    const manager = undo.use(await openShop({ engine: shop.engine, example: "swarm", secrets }));
    const ssh = undo.use(await startSsh({ dockerHost: shop.engine.host }));
    const put = (folder: string, env: Record<string, string>) =>
      runCli(manager, "deploy", { folder, args: QUICK, env: { ...env, ...NOWHERE } });
    const commit = manager.repository.commit;
    await commit("Have patience", "belay.yaml", ["timeout: 1s", "timeout: 20s"]);
    await commit("Name the host", "belay.yaml", [HOST, `host: ${ssh.host}`]);
    const first = await put(await publish("Name the host", manager), ssh.env);
    expect(first.json, first.stderr).toMatchObject({ outcome: "succeeded", deployment: 1 });
    expect(await ssh.logins()).toBe(1);
    const running = await tasks(manager);
    expect(running).toEqual(Array(3).fill(expect.stringMatching(/shop-web@sha256:\w{64} Running$/)));
    await waitForAnswer(manager.url);

    await commit("Break it", "web/server.mjs", ["import ", `${FAULT}import `]);
    const bad = await put(await publish("Break it", manager), ssh.env);
    expect(bad.json, bad.stderr).toMatchObject({ outcome: "rolled_back", cause: { service: "web" } });
    expect(JSON.stringify(bad.report)).toContain("cannot read the price list");
    expect(await ssh.logins()).toBe(2);
    expect(await tasks(manager)).toEqual(running);

    await commit("Mend it", "web/server.mjs", [FAULT, ""]);
    await commit("Name a context", "belay.yaml", [`host: ${ssh.host}`, `context: ${await makeContext(manager)}`]);
    const next = await put(await publish("Name a context", manager), {});
    expect(next.json, next.stderr).toMatchObject({ outcome: "succeeded" });
    expect(await ssh.logins()).toBe(2);
    expect(new Set([...running, ...(await tasks(manager))]).size).toBe(2);
    await waitForAnswer(manager.url);
  });

  it("whose page fails when a program in each task asks for it is taken off, with that as the cause", async () => {
    await using undo = new AsyncDisposableStack();
    await beManager(shop.engine);
    const secrets = { DATABASE_PASSWORD: "hunter2-of-the-database" };
    const manager = undo.use(await openShop({ engine: shop.engine, example: "swarm", secrets }));
    const put = (folder: string, stable: string) =>
      runCli(manager, "deploy", { folder, args: ["--json", "--stable", stable, "--drain", "0s"] });
    const commit = manager.repository.commit;
    await commit("Ask each task", "belay.yaml", BY_TASK);
    const good = await put(await publish("Ask each task", manager), "1s");
    expect(good.json, good.stderr).toMatchObject({ outcome: "succeeded" });
    expect(good.stderr.match(/probe command wget .* of \S+: passing/g)).toHaveLength(3);
    const running = await tasks(manager);

    await commit("Answer once", "web/server.mjs", ANSWERS_ONCE);
    const bad = await put(await publish("Answer once", manager), "15s");
    expect(bad.json, bad.stderr).toMatchObject({ outcome: "rolled_back", cause: { cause: "probe_failed" } });
    expect(await tasks(manager)).toEqual(running);
    await waitForAnswer(manager.url);
  });
});
