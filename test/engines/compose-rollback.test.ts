import { createRunner, Redactor, type RolloutPolicy, systemClock } from "@belay/core";
import { createAuthenticator } from "@belay/registry";
import { type DeploymentResult, deploy, type RolloutPorts, rollback } from "@belay/rollout";
import { requestLoop } from "@belay/testkit";
import { describe, expect } from "vitest";
import { imageAvailability } from "../../packages/pipeline/src/access/registry-access.ts";
import { POLICY } from "./compose-driver.ts";
import { answers, it, release, url, writeShop } from "./compose-shop.ts";
import type { ProjectStand } from "./compose-stand.ts";

/** Generous where a busy machine is slow; what is expected does not depend on it. */
const policy: RolloutPolicy = { ...POLICY, crashes: 1, startMs: 90_000 };

async function portsOf(shop: ProjectStand, more: Parameters<ProjectStand["target"]>[0]): Promise<RolloutPorts> {
  const holder = { run: `${shop.name}-${Math.random()}`, attempt: 1, host: "test" };
  const { signal } = new AbortController();
  const target = await shop.target(more);
  return { target, clock: systemClock, log: shop.log, holder, signal, redactor: new Redactor(), random: Math.random };
}

async function put(shop: ProjectStand, image: string, more = {}): Promise<void> {
  const { outcome } = await deploy({ release: await release(shop, image), policy }, await portsOf(shop, more));
  expect(outcome).toBe("succeeded");
}

async function back(shop: ProjectStand, to: string, more = {}): Promise<DeploymentResult> {
  return rollback({ to, policy }, await portsOf(shop, more));
}

/** What the engine itself says of the containers of `web`. */
async function look(shop: ProjectStand): Promise<{ env: string[]; image: string; labels: Record<string, string> }[]> {
  const ids = Object.values(await shop.ids("web"));
  const { stdout } = await shop.engine.docker(["inspect", ...ids]);
  const found = JSON.parse(stdout) as {
    Config: { Env: string[]; Image: string; Labels: Record<string, string> };
    State: { Running: boolean };
  }[];
  return found
    .filter(({ State }) => State.Running)
    .map(({ Config }) => ({ env: Config.Env, image: Config.Image, labels: Config.Labels }));
}

/** A file in the container of `web`, read by the engine's own command line. */
async function read(shop: ProjectStand, path: string): Promise<string> {
  const [id = ""] = Object.values(await shop.ids("web"));
  return (await shop.engine.docker(["exec", id, "cat", path])).stdout;
}

/** The engine loses an image that nothing runs, as `docker image prune` does it. Its digest. */
async function forget(shop: ProjectStand, image: string): Promise<string> {
  const { repository, digest } = await shop.image(image);
  const reference = `${repository}@${digest}`;
  await shop.engine.docker(["image", "rm", "--force", reference]);
  const { exitCode } = await shop.engine.docker(["image", "inspect", reference], { allowedExitCodes: [0, 1] });
  expect(exitCode, `${reference} is gone`).toBe(1);
  return digest ?? "";
}

const withExtra = (extra: string, replicas = 2): string =>
  `environment: { EXTRA: "${extra}" }\n    deploy: { replicas: ${replicas} }`;

describe("a rollback by hand on a compose project", { timeout: 600_000 }, () => {
  it("brings image and configuration back, three deep, without a lost request", async ({ shop }) => {
    await writeShop(shop, withExtra("-one$$"));
    await put(shop, "good1");
    await writeShop(shop, withExtra("-two"));
    await put(shop, "good2");
    await writeShop(shop, withExtra("-three"));
    await put(shop, "good3");
    await answers(shop, "good3-three");
    const loop = requestLoop({ url: url(shop), perSecond: 200, timeoutMs: 30_000 });
    const first = await back(shop, "previous");
    expect(first).toMatchObject({ outcome: "succeeded", report: { deployment: 4, rollback: { to: 2 } } });
    await answers(shop, "good2-two");
    expect(first.report.changes[0]?.differences).toContain("environment: EXTRA changed");
    const second = await back(shop, "previous");
    expect(await loop.stop()).toMatchObject({ lost: 0, lostBecause: {} });
    expect(second).toMatchObject({ outcome: "succeeded", report: { deployment: 5, rollback: { to: 1 } } });
    await answers(shop, "good1-one$");
    const seen = await look(shop);
    expect(seen).toHaveLength(2);
    for (const { labels, image } of seen) {
      expect(labels["dev.belay.deployment"]).toBe("5");
      expect(image).toBe(`${(await shop.image("good1")).repository}@${(await shop.image("good1")).digest}`);
    }
    await expect(back(shop, "previous")).rejects.toMatchObject({ code: "INVALID_INPUT" });
    expect(await back(shop, "1")).toMatchObject({ outcome: "unchanged" });
    expect((await back(shop, "3")).outcome).toBe("succeeded");
    await answers(shop, "good3-three");
    console.info(`two rollbacks in ${first.report.durationMs} and ${second.report.durationMs} ms`);
  });

  it("needs no secret that comes back with the containers, and asks for one that comes from the files", async ({
    shop,
  }) => {
    const missing = { env: {}, missingSecrets: { PASSWORD: "SHOP_PASSWORD" } };
    const inContent = "secrets:\n  token:\n    environment: PASSWORD";
    // biome-ignore lint/suspicious/noTemplateCurlyInString: compose fills it in.
    await writeShop(shop, 'environment: { EXTRA: "${PASSWORD:-none}" }');
    await put(shop, "good1", { env: { PASSWORD: "-one" } });
    await put(shop, "good2", { env: { PASSWORD: "-two" } });
    expect((await back(shop, "1", missing)).outcome).toBe("succeeded");
    await answers(shop, "good1-one");
    await writeShop(shop, "secrets: [token]", `\n${inContent}`);
    await put(shop, "good3", { env: { PASSWORD: "-three" } });
    await put(shop, "good4", { env: { PASSWORD: "-four" } });
    await expect(back(shop, "previous", missing)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      got: expect.stringContaining("SHOP_PASSWORD"),
    });
    await answers(shop, "good4");
  });

  it("brings the texts of configs back, and those of secrets from the files as they are now, which it says", async ({
    shop,
  }) => {
    const uses = "configs: [{ source: greeting, target: /etc/greeting }]\n    secrets: [token]";
    const texts = (greeting: string): string =>
      `\nconfigs:\n  greeting:\n    content: "${greeting}"\nsecrets:\n  token:\n    environment: PASSWORD`;
    const secret = (value: string) => {
      const redactor = new Redactor();
      redactor.add(value);
      return { env: { PASSWORD: value }, redactor };
    };
    await writeShop(shop, uses, texts("hello one $$1"));
    await put(shop, "good1", secret("password-one"));
    await writeShop(shop, uses, texts("hello two"));
    await put(shop, "good2", secret("password-two"));
    expect(await read(shop, "/etc/greeting")).toBe("hello two");
    const result = await back(shop, "1", secret("password-three"));
    expect(result.outcome, shop.log.text()).toBe("succeeded");
    await answers(shop, "good1");
    expect(await read(shop, "/etc/greeting")).toBe("hello one $1");
    expect(await read(shop, "/run/secrets/token")).toBe("password-three");
    const said = result.report.findings.find(({ check }) => check === "files_of_now")?.message;
    expect(said).toMatch(/\(token\).*no value of a secret is kept/);
    expect(result.report.notCovered).toContain("the value of the secret token");
    // What comes back by hand is noted and kept like what a release brings.
    await put(shop, "good3", secret("password-four"));
    expect((await back(shop, "3", secret("password-five"))).outcome).toBe("succeeded");
    expect(await read(shop, "/etc/greeting")).toBe("hello one $1");
  });

  it("gets an image back from the registry, and is refused when that has lost it too", async ({ shop }) => {
    await writeShop(shop);
    // Images of their own: the others of this file stay where they are.
    await put(shop, "good41");
    await put(shop, "good42");
    await forget(shop, "good41");
    const back41 = await back(shop, "1");
    expect(back41.outcome, shop.log.text()).toBe("succeeded");
    await answers(shop, "good41");
    const digest = await forget(shop, "good42");
    const { repository } = await shop.image("good42");
    const [registry, ...path] = repository.split("/");
    const manifest = `http://${registry}/v2/${path.join("/")}/manifests/${digest}`;
    expect((await fetch(manifest, { method: "DELETE" })).status).toBe(202);
    const auth = createAuthenticator({ env: {}, runner: createRunner(new Redactor()), redactor: new Redactor() });
    expect(await back(shop, "2", { imageAvailable: imageAvailability(shop.docker, auth) })).toMatchObject({
      outcome: "refused",
      cause: { cause: "preflight", service: "web", detail: `the registry has no image ${repository}@${digest}` },
      report: { findings: expect.arrayContaining([expect.objectContaining({ check: "image_missing" })]) },
    });
    await answers(shop, "good41");
  });

  it("is refused where the containers of then were bound to others, which may be gone", async ({ shop }) => {
    const side = `side:\n    image: belay-test/busybox:1\n    command: [sleep, "1000"]\n    stop_grace_period: 0s`;
    await writeShop(shop, 'volumes_from: ["side:ro"]', side);
    await put(shop, "good1");
    await put(shop, "good2");
    const before = await shop.ids();
    expect(await back(shop, "1")).toMatchObject({
      outcome: "refused",
      cause: { cause: "preflight", service: "web" },
      report: { findings: expect.arrayContaining([expect.objectContaining({ check: "bound_to_container" })]) },
    });
    expect(await shop.ids()).toEqual(before);
  });

  it("keeps a scale that is higher now, and removes what did not exist then", async ({ shop }) => {
    const services = { web: { name: "web" }, side: { name: "side" } };
    await writeShop(shop);
    await put(shop, "good1");
    const side = `side:\n    image: nothing:1\n    stop_grace_period: 1s`;
    await writeShop(shop, "", side);
    const both = await release(shop, "good2");
    const more = { ...both, services: { ...both.services, side: await shop.image("good1") } };
    expect(await deploy({ release: more, policy }, await portsOf(shop, { services }))).toMatchObject({
      outcome: "succeeded",
    });
    const [one] = await look(shop);
    await shop.compose(
      ["-f", "-", "up", "-d", "--no-deps", "--scale", "web=2", "web"],
      await scaled(shop, one?.labels),
    );
    const result = await back(shop, "1", { services });
    expect(result.outcome).toBe("succeeded");
    expect(result.report.findings).toContainEqual(expect.objectContaining({ check: "scale_kept" }));
    expect(await look(shop)).toHaveLength(2);
    expect(await shop.ids("side")).toEqual({});
    await answers(shop, "good1");
  });

  it("is taken back itself when the old release is not well any more", async ({ shop }) => {
    await writeShop(shop);
    await put(shop, "good1");
    await put(shop, "good2");
    const before = await shop.ids();
    const ports = await portsOf(shop, {});
    const execution: typeof ports.target.execution = (plan, context) => {
      const { wanted, stages } = ports.target.execution(plan, context);
      const [start, ...rest] = stages;
      if (start === undefined) return { wanted, stages };
      const act = async (signal: AbortSignal): Promise<void> => {
        await start.act(signal);
        const fresh = Object.values(await shop.ids("web")).filter((id) => !Object.values(before).includes(id));
        await shop.engine.docker(["kill", ...fresh]);
      };
      return { wanted, stages: [{ ...start, act }, ...rest] };
    };
    const dying = { ...ports, target: { ...ports.target, execution } };
    expect(await rollback({ to: "1", policy }, dying)).toMatchObject({ outcome: "rolled_back" });
    expect(await shop.ids()).toEqual(before);
    await answers(shop, "good2");
  });
});

/** The project as it runs, for a person who scales it by hand. */
async function scaled(shop: ProjectStand, labels: Record<string, string> = {}): Promise<string> {
  const { repository, digest } = await shop.image("good2");
  const own = Object.entries(labels).filter(([name]) => name.startsWith("dev.belay."));
  const lines = own.map(([name, value]) => `      ${name}: ${JSON.stringify(value)}`);
  return [
    "services:",
    "  web:",
    `    image: ${repository}@${digest}`,
    "    stop_grace_period: 5s",
    "    labels:",
    ...lines,
    "",
  ].join("\n");
}
