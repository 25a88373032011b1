import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Redactor, systemClock } from "@belay/core";
import { connectDocker, type Docker } from "@belay/docker";
import { deploy } from "@belay/rollout";
import { type SshRig, startSsh } from "@belay/testkit";
import { describe, expect, onTestFinished } from "vitest";
import { POLICY } from "./compose-driver.ts";
import { it, release, writeShop } from "./compose-shop.ts";
import type { ProjectStand, Stand } from "./compose-stand.ts";

const policy = { ...POLICY, crashes: 1, stableMs: 500, drainMs: 300 };

async function sshTo(stand: Stand, options: Partial<Parameters<typeof startSsh>[0]> = {}): Promise<SshRig> {
  const ssh = await startSsh({ dockerHost: stand.engine.host, ...options });
  onTestFinished(() => ssh.stop());
  return ssh;
}

interface Remote {
  readonly docker: Docker;
  readonly env: Readonly<Record<string, string>>;
}

/** As a run of Belay does: one client, closed at the end. */
async function connect(
  shop: ProjectStand,
  place: { readonly host: string } | { readonly context: string },
  more: Readonly<Record<string, string>> = {},
): Promise<Remote> {
  // Without DOCKER_HOST, by which the docker command line would find the engine on a way of its own.
  const env = { ...shop.engine.env, ...more, DOCKER_HOST: "" };
  const docker = await connectDocker({ ...place, env, redactor: new Redactor() });
  onTestFinished(() => docker.close());
  return { docker, env };
}

async function run(shop: ProjectStand, { docker, env }: Remote, image: string, more: object = {}) {
  const cliArgs = await docker.cliArguments();
  const target = await shop.target({ docker, cliArgs, shownCliArgs: docker.place, cliEnv: env });
  expect((await target.advice()).at(-1)?.command).toMatch(/^docker --(host ssh|context far)/);
  const signal = new AbortController().signal;
  const holder = { run: `${shop.name}-${Math.random()}`, attempt: 1, host: "test" };
  const ports = {
    target,
    clock: systemClock,
    log: shop.log,
    holder,
    signal,
    redactor: new Redactor(),
    random: Math.random,
    lifeMs: 10_000,
  };
  return deploy({ release: await release(shop, image), policy: { ...policy, ...more } }, ports);
}

describe("a remote host over ssh", () => {
  it("takes a good and a bad release over one login, compose's own calls included", async ({ shop, stand }) => {
    await writeShop(shop);
    const ssh = await sshTo(stand);
    const remote = await connect(shop, { host: ssh.host }, ssh.env);
    expect(await run(shop, remote, "good1")).toMatchObject({ outcome: "succeeded" });
    const before = await shop.ids();
    expect(await run(shop, remote, "crash")).toMatchObject({ outcome: "rolled_back", cause: { service: "web" } });
    expect(await shop.ids()).toEqual(before);
    await remote.docker.close();
    console.info(`${await ssh.logins()} login, ${await ssh.sessions()} connections to the engine over it`);
    expect(await ssh.logins()).toBe(1);
  });

  it("is found by a docker context, and where few sessions are allowed ssh dials again", async ({ shop, stand }) => {
    await writeShop(shop);
    const ssh = await sshTo(stand, { settings: ["MaxSessions 1"] });
    const name = `far${process.pid}`;
    await promisify(execFile)("docker", ["context", "create", name, "--docker", `host=${ssh.host}`], {
      env: { ...process.env, ...shop.engine.env },
    });
    const remote = await connect(shop, { context: name }, ssh.env);
    expect(await run(shop, remote, "good1")).toMatchObject({ outcome: "succeeded" });
    expect(await ssh.logins()).toBeGreaterThan(1);
  });

  it("whose key is unknown, or another than the known one, is refused by name", async ({ stand }) => {
    const ssh = await sshTo(stand);
    const env = { ...stand.engine.env, ...ssh.env };
    await ssh.know("none");
    await expect(connectDocker({ host: ssh.host, env })).rejects.toMatchObject({
      code: "ENGINE_HOST_KEY",
      message: expect.stringMatching(/the ssh host key is not known.*known_hosts/s),
    });
    await ssh.know("wrong");
    await expect(connectDocker({ host: ssh.host, env })).rejects.toMatchObject({
      code: "ENGINE_HOST_KEY",
      message: expect.stringContaining("the ssh host key has changed"),
    });
    expect(await ssh.logins()).toBe(0);
    const stranger = connectDocker({ host: ssh.host.replace("root@", "nobody@"), env });
    await ssh.know("right");
    await expect(stranger).rejects.toMatchObject({ code: expect.stringMatching(/ENGINE_(FORBIDDEN|HOST_KEY)/) });
  });

  it("that loses the connection in mid-deploy is dialled again, and the release is proven", async ({ shop, stand }) => {
    await writeShop(shop);
    const ssh = await sshTo(stand);
    const remote = await connect(shop, { host: ssh.host }, ssh.env);
    let killed = 0;
    shop.log.onLine((line) => {
      if (killed === 0 && line.includes("started ")) void ssh.killSessions().then((count) => (killed += count));
    });
    const result = await run(shop, remote, "good1");
    expect(result.outcome).toBe("succeeded");
    expect(killed).toBeGreaterThan(0);
    expect(await ssh.logins()).toBeGreaterThan(1);
  });
});
