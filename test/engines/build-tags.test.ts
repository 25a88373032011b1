/** The rules of docker/metadata-action, given to the command line: the tags that they make are at a real registry. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openShop, runCli, type ShopStage } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { servedDigest } from "./push-stand.ts";

let shop: ShopStage;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop?.[Symbol.asyncDispose]());

let commits = 0;

interface Event {
  readonly name: string;
  readonly ref: string;
  readonly payload?: object;
}

/** Builds and pushes another commit for this event. @returns the tags that the repository got by it, its SHA tag as `sha`. */
async function publish({ name, ref, payload = {} }: Event, args: readonly string[]): Promise<readonly string[]> {
  const before = await tags();
  await shop.repository.commit("Configure", "belay.yaml", ["version: 1", `version: 1 # ${++commits}`]);
  const sha = await shop.repository.head();
  const file = join(shop.temporary.path, `event-${commits}.json`);
  await writeFile(file, JSON.stringify({ ref, after: sha, sender: { login: "ada" }, ...payload }));
  const env = { GITHUB_EVENT_NAME: name, GITHUB_EVENT_PATH: file, GITHUB_REF: ref };
  const { folder, exitCode, stderr } = await runCli(shop, "build", { args, env });
  expect(exitCode, stderr).toBe(0);
  const pushed = await runCli(shop, "push", { folder, args: ["--json"], env });
  expect(pushed.exitCode, pushed.stderr).toBe(0);
  const [image] = (pushed.json?.services ?? []) as { image: string }[];
  const made = (await tags()).filter((tag) => !before.includes(tag));
  for (const tag of made) {
    expect(await servedDigest(`${shop.registry.url}/v2/acme/shop-web/manifests/${tag}`), tag).toBe(
      image?.image.split("@")[1],
    );
  }
  return made.map((tag) => (tag === `sha-${sha.slice(0, 12)}` ? "sha" : tag)).sort();
}

/** As the registry lists them, without those that other clients than Belay's find what hangs on an image by. */
async function tags(): Promise<readonly string[]> {
  const listed = await fetch(`${shop.registry.url}/v2/acme/shop-web/tags/list`);
  const { tags: all } = listed.status === 404 ? { tags: [] } : ((await listed.json()) as { tags: string[] | null });
  return (all ?? []).filter((tag) => !/^sha256-/.test(tag));
}

const rules = (...lines: readonly string[]): string[] => lines.flatMap((line) => ["--tags", line]);

it("of a version's tag, with a flavor", async () => {
  const made = await publish({ name: "push", ref: "refs/tags/v1.2.3" }, [
    ...rules("type=semver,pattern={{version}}", "type=semver,pattern={{major}}.{{minor}}", "type=ref,event=tag"),
    ...rules("type=ref,event=branch", "type=schedule,pattern=nightly", "type=raw,value=stable,suffix="),
    ...["--flavor", "latest=auto", "--flavor", "suffix=-web,onlatest=true"],
  ]);
  expect(made).toEqual(["1.2-web", "1.2.3-web", "latest-web", "sha", "stable", "v1.2.3-web"]);
});

it("of a schedule on a branch", async () => {
  const payload = { repository: { default_branch: "main" } };
  const made = await publish({ name: "schedule", ref: "refs/heads/main", payload }, [
    ...rules("type=schedule,pattern=nightly", "type=ref,event=branch", "type=semver,pattern={{version}}"),
    ...rules("type=raw,value=tip,enable={{is_default_branch}}", "type=edge"),
    ...["--flavor", "latest=false", "--flavor", "prefix=web-"],
  ]);
  expect(made).toEqual(["sha", "web-edge", "web-main", "web-nightly", "web-tip"]);
});
