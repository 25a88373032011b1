import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { announceCommit, type CliRun, openShop, runCli, type ShopStage, startRegistry } from "@belay/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { servedDigest } from "../engines/push-stand.ts";

let shop: ShopStage;
/** A release that runs already, so that "nothing changed" means something. */
let folder: string;

beforeAll(async () => {
  shop = await openShop();
  await announceCommit(shop, "Open the shop");
  const first = await runCli(shop, "run", { args: ["--json"] });
  expect(first.json).toMatchObject({ outcome: "succeeded" });
  folder = first.folder;
});
afterAll(() => shop?.[Symbol.asyncDispose]());
afterEach(() => shop.github.heal());

/** Ids of all containers of the project, in a fixed order. */
async function containers(): Promise<string> {
  const filter = `label=com.docker.compose.project=${shop.project}`;
  const { stdout } = await shop.engine.docker(["ps", "--all", "--no-trunc", "--quiet", "--filter", filter]);
  return stdout.split("\n").sort().join("\n");
}

/** Changes a file of the shop for as long as `work` runs. */
async function withFile<T>(
  name: string,
  change: (text: string) => string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const path = join(shop.repository.folder, name);
  const before = await readFile(path, "utf8");
  const after = change(before);
  await (after === undefined ? rm(path) : writeFile(path, after));
  try {
    return await work();
  } finally {
    await writeFile(path, before);
  }
}

/** Runs a deployment that must come to nothing, and proves that the target is as it was. */
async function refused(run: () => Promise<CliRun>, exitCode: number): Promise<CliRun> {
  const before = await containers();
  const result = await run();
  expect(result.stderr + result.stdout).not.toContain("This is a defect");
  expect(result.exitCode).toBe(exitCode);
  expect(await containers()).toBe(before);
  return result;
}

const deploy = (args: readonly string[] = [], env: Record<string, string> = {}): Promise<CliRun> =>
  runCli(shop, "deploy", { folder, args: ["--json", ...args], env });

describe("bad input changes nothing and says what to do", () => {
  it("an unknown environment, with the known ones", async () => {
    const result = await refused(() => deploy(["--environment", "stagin"]), 2);
    expect(result.stderr).toMatch(/stagin.*staging/s);
  });

  it("a missing compose file", async () => {
    const result = await refused(
      () =>
        withFile(
          "compose.yaml",
          () => undefined,
          () => deploy(),
        ),
      2,
    );
    expect(result.stderr).toContain("compose.yaml");
  });

  it("a compose file without the service", async () => {
    const rename = (text: string): string => text.replace(/^ {2}web:/m, "  website:");
    const result = await refused(() => withFile("compose.yaml", rename, () => deploy()), 2);
    expect(result.stderr).toContain("its files have no service web, only proxy, website");
  });

  it("a compose file that is no YAML", async () => {
    const result = await refused(
      () =>
        withFile(
          "compose.yaml",
          (text) => `${text}\n  : : [`,
          () => deploy(),
        ),
      2,
    );
    expect(result.stderr).toContain("compose.yaml");
  });

  it("a belay.yaml that is no YAML, with line and column", async () => {
    const result = await refused(
      () =>
        withFile(
          "belay.yaml",
          (text) => `${text}\n  - [`,
          () => deploy(),
        ),
      2,
    );
    expect(result.stderr).toMatch(/belay\.yaml.*\d+:\d+/s);
  });

  it("a variable of the compose file that nobody sets", async () => {
    const add = (text: string): string => text.replace("CURRENCY: EUR", `CURRENCY: $${"{NOBODY_SETS_THIS}"}`);
    const result = await refused(() => withFile("compose.yaml", add, () => deploy()), 2);
    expect(result.stderr).toContain("NOBODY_SETS_THIS");
  });

  it("a fixed host port with the strategy rolling, at plan time", async () => {
    const add = (text: string): string =>
      text.replace(
        "    stop_grace_period: 10s",
        "    stop_grace_period: 10s\n    ports: ['127.0.0.1:0:8080', '127.0.0.1:39999:8080']",
      );
    const result = await refused(() => withFile("compose.yaml", add, () => deploy()), 3);
    expect(result.json).toMatchObject({ outcome: "refused", cause: { cause: "preflight" } });
    expect(result.stdout).toContain("recreate");
  });

  it("no release", async () => {
    const result = await refused(() => runCli(shop, "deploy", { args: ["--json"] }), 2);
    expect(result.stderr).toContain("Run the stage before");
  });

  it.each([
    ["an image from elsewhere", (text: string) => text.replaceAll("acme/shop-web", "evil/miner"), "evil/miner"],
    ["a service that the configuration does not know", (text: string) => text.replace('"web":', '"proxy":'), '"proxy"'],
    ["another application", (text: string) => text.replace('"application": "shop"', '"application": "bank"'), '"bank"'],
  ])("a release with %s", async (_what, change, word) => {
    const path = join(folder, "belay/release.json");
    const before = await readFile(path, "utf8");
    const changed = join(shop.temporary.path, "changed.json");
    await writeFile(changed, change(before));
    const result = await refused(() => deploy(["--release", changed]), 2);
    expect(result.json).toMatchObject({ error: { code: "RELEASE_INVALID" } });
    expect(result.stderr).toContain(word);
  });

  it("no engine", async () => {
    const result = await refused(() => deploy([], { DOCKER_HOST: "unix:///nowhere/docker.sock" }), 1);
    expect(result.stderr).toContain("/nowhere/docker.sock");
  });

  it("a dirty tree", async () => {
    const change = (text: string): string => text.replace("8_900", "9_900");
    const result = await withFile("web/shop.mjs", change, () => runCli(shop, "build", { args: ["--json"] }));
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("git status");
  });
});

describe("the registry", () => {
  it("being down stops the push and leaves the target alone", async () => {
    const built = await runCli(shop, "build", { args: ["--json"] });
    await shop.registry.pause();
    try {
      const result = await refused(() => runCli(shop, "push", { folder: built.folder, args: ["--json"] }), 16);
      expect(result.stderr).toContain(shop.registry.address);
    } finally {
      await shop.registry.start();
    }
  });

  it("holding this very commit's release spares a second build, whose bytes would differ", async () => {
    const again = await runCli(shop, "build", { args: ["--json"] });
    expect(again.exitCode, again.stderr).toBe(0);
    expect(again.stderr).toContain("was built, tested and pushed before");
    const pushed = await runCli(shop, "push", { folder: again.folder, args: ["--json"] });
    expect(pushed.exitCode, pushed.stderr).toBe(0);
  });

  it("holding the release gets the tags of a git tag that is put on the commit later", async () => {
    const head = await shop.repository.head();
    const event = join(folder, "tag.json");
    await writeFile(event, JSON.stringify({ ref: "refs/tags/v1.2.3", after: head }));
    const env = { GITHUB_EVENT_PATH: event, GITHUB_REF: "refs/tags/v1.2.3" };
    const built = await runCli(shop, "build", { args: ["--json"], env });
    expect(built.stderr).toContain("with the tags of now");
    const pushed = await runCli(shop, "push", { folder: built.folder, args: ["--json"], env });
    expect(pushed.exitCode, pushed.stderr).toBe(0);
    const served = (tag: string): Promise<string> =>
      servedDigest(`${shop.registry.url}/v2/acme/shop-web/manifests/${tag}`);
    const digest = await served(`sha-${head.slice(0, 12)}`);
    expect(await Promise.all(["main", "1.2.3", "1.2", "latest"].map(served))).toEqual(Array(4).fill(digest));
    expect(digest).toMatch(/^sha256:/);
  });

  it("holding the release lets another job deploy it by its image alone", async () => {
    const image = `${shop.registry.address}/acme/shop-web:sha-${(await shop.repository.head()).slice(0, 12)}`;
    const result = await runCli(shop, "deploy", { args: ["--json", "--stable", "0", "--release", image] });
    expect(result.json, result.stderr).toMatchObject({ outcome: "unchanged", deployment: null });
    const unknown = await refused(() => runCli(shop, "deploy", { args: ["--json", "--release", `${image}9`] }), 2);
    expect(unknown.json).toMatchObject({ error: { code: "RELEASE_INVALID" } });
  });

  it("wanting a login that nobody gave stops the push, and says where to log in", async () => {
    await using locked = await startRegistry({ auth: { user: "ada", password: "correct horse" } });
    const variables = ["--variables", `REGISTRY=${locked.address}`];
    const built = await runCli(shop, "build", { args: ["--json", ...variables] });
    expect(built.exitCode, built.stderr).toBe(0);
    const result = await refused(() => runCli(shop, "push", { folder: built.folder, args: ["--json"] }), 16);
    expect(result.json).toMatchObject({ error: { code: "REGISTRY_UNAUTHORISED" } });
    expect(result.stderr).toContain(`docker login ${locked.address}`);
  });

  it("holding other content under the SHA tag stops the push", async () => {
    await shop.repository.commit("Raise a price", "web/shop.mjs", ["6_450", "6_550"]);
    const built = await runCli(shop, "build", { args: ["--json"] });
    const [tag] = ((built.json?.services ?? []) as { image: string }[]).map((service) => service.image);
    expect(tag).toMatch(/:sha-[0-9a-f]{12}$/);
    await shop.engine.docker(["tag", String(shop.variables.BASE), String(tag)]);
    await shop.engine.docker(["push", "--quiet", String(tag)]);
    const result = await refused(() => runCli(shop, "push", { folder: built.folder, args: ["--json"] }), 16);
    expect(result.json).toMatchObject({ error: { code: "TAG_TAKEN" } });
  });

  it("gets the tags of docker/metadata-action's rules and flavor, and no others", async () => {
    const tags = async (): Promise<string[]> => {
      const list = await fetch(`${shop.registry.url}/v2/acme/shop-web/tags/list`);
      return ((await list.json()) as { tags: string[] }).tags;
    };
    const before = await tags();
    const head = await shop.repository.commit("Raise it again", "web/shop.mjs", ["6_550", "6_650"]);
    const event = join(folder, "rules.json");
    await writeFile(event, JSON.stringify({ ref: "refs/tags/v2.0.1", after: head }));
    const env = { GITHUB_EVENT_PATH: event, GITHUB_REF: "refs/tags/v2.0.1" };
    const rules = ["type=semver,pattern=v{{version}}", "type=semver,pattern={{major}}", "type=raw,value=stable"];
    const silent = ["type=ref,event=branch", "type=raw,value=never,enable=false"];
    const flavor = ["latest=auto", "suffix=-alpine,onlatest=true"];
    const words = [...rules, ...silent].flatMap((rule) => ["--tags", rule]);
    const args = ["--json", ...words, ...flavor.flatMap((one) => ["--flavor", one])];
    const built = await runCli(shop, "build", { args, env });
    expect(built.exitCode, built.stderr).toBe(0);
    const pushed = await runCli(shop, "push", { folder: built.folder, args: ["--json"], env });
    expect(pushed.exitCode, pushed.stderr).toBe(0);
    const fresh = (await tags()).filter((tag) => !before.includes(tag) && !tag.startsWith("sha256-"));
    const own = `sha-${head.slice(0, 12)}`;
    expect(fresh.sort()).toEqual([own, "v2.0.1-alpine", "2-alpine", "stable-alpine", "latest-alpine"].sort());
    const served = (tag: string): Promise<string> =>
      servedDigest(`${shop.registry.url}/v2/acme/shop-web/manifests/${tag}`);
    const digests = new Set(await Promise.all(fresh.map(served)));
    expect([...digests]).toEqual([await served(own)]);
    const { services } = JSON.parse(await readFile(join(built.folder, "belay/release.json"), "utf8"));
    expect(services.web.digest).toBe(await served(own));
  });
});
