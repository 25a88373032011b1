import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Redactor } from "@belay/core";
import { connectDocker, type Docker, isConflict, isNotFound } from "@belay/docker";
import {
  BASE_IMAGES,
  makeBaseImages,
  type RegistryRig,
  startRegistry,
  temporaryFolder,
  useEngine,
} from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

type Engine = Awaited<ReturnType<typeof useEngine>>;

const NAME = "belay-docker-test";
/** Waiting, it starts no processes: a shell that can't fork at the moment of the signal ends with 2 instead. */
const LOOP = ["sh", "-c", "trap 'echo bye; exit 3' TERM; echo out; echo err >&2; while :; do sleep 60 & wait $!; done"];
const auth = { username: "deployer", password: "pass-word" };
let engine: Engine;
let docker: Docker;
let registry: RegistryRig;

beforeAll(async () => {
  engine = await useEngine();
  await makeBaseImages(engine);
  registry = await startRegistry({ auth: { user: auth.username, password: auth.password } });
  docker = await connectDocker({ env: engine.env });
});

afterAll(async () => {
  await docker?.close();
  await registry?.stop();
  await engine?.docker(["rm", "--force", NAME, `${NAME}-2`], { allowedExitCodes: [0, 1] });
  await engine?.docker(["network", "rm", NAME], { allowedExitCodes: [0, 1] });
  await engine?.stop();
});

async function create(command: readonly string[] = LOOP, more: object = {}): Promise<string> {
  await engine.docker(["rm", "--force", NAME], { allowedExitCodes: [0, 1] });
  return docker.containers.create(NAME, {
    Image: BASE_IMAGES.busybox,
    Cmd: command,
    Labels: { "belay.test": "1" },
    ...more,
  });
}

describe("the engine", () => {
  test("tells about itself", async () => {
    const [info, version, ping] = await Promise.all([docker.info(), docker.version(), docker.ping()]);
    expect(info.OSType).toBe("linux");
    expect(info.RegistryConfig?.InsecureRegistryCIDRs).toContain("127.0.0.0/8");
    expect(Number.isNaN(Date.parse(info.SystemTime))).toBe(false);
    expect(version.ApiVersion).toBe(ping.apiVersion);
    expect(docker.endpoint).toBe(engine.host);
  });

  test("a context of the command line leads to it", async () => {
    const env = { DOCKER_CONFIG: engine.env.DOCKER_CONFIG ?? "" };
    await promisify(execFile)("docker", ["context", "create", NAME, "--docker", `host=${engine.host}`], {
      env: { ...process.env, ...env },
    });
    const other = await connectDocker({ context: NAME, env });
    expect((await other.info()).ID).toBe((await docker.info()).ID);
    await other.close();
    await expect(connectDocker({ context: "nowhere", env })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  test("further requests cost far less than a command, and close leaves no process", async () => {
    const own = await connectDocker({ env: engine.env });
    const times: number[] = [];
    for (let count = 0; count < 100; count++) {
      const began = performance.now();
      await own.ping();
      times.push(performance.now() - began);
    }
    expect(times.toSorted((a, b) => a - b)[50]).toBeLessThan(15);
    await own.close();
    const { stdout } = await promisify(execFile)("ps", ["-o", "args", "--ppid", String(process.pid)]);
    expect(stdout.split("\n").filter((line) => line.includes("dial-stdio")).length).toBeLessThanOrEqual(3);
  });

  test("nobody there is said with the address", async () => {
    const error = connectDocker({ host: "unix:///nowhere/docker.sock" });
    await expect(error).rejects.toMatchObject({
      code: "ENGINE_UNREACHABLE",
      message: expect.stringContaining("/nowhere/docker.sock"),
    });
    await expect(connectDocker({ host: "tcp://127.0.0.1:1" })).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
  });
});

describe("containers", () => {
  test("live from create to remove", async () => {
    const id = await create();
    await expect(
      create.call(undefined).then(() => docker.containers.create(NAME, { Image: BASE_IMAGES.busybox })),
    ).rejects.toSatisfy(isConflict);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    await docker.containers.start(NAME);
    await docker.containers.start(NAME);
    const listed = await docker.containers.list({ filters: { label: ["belay.test=1"], status: ["running"] } });
    expect(listed.map((one) => one.Names)).toEqual([[`/${NAME}`]]);
    await docker.containers.rename(NAME, `${NAME}-2`);
    // Until it has set its trap, the kernel keeps the signal from a process with PID 1.
    await expect.poll(() => docker.containers.logs(`${NAME}-2`, { tail: 2 }), { timeout: 30_000 }).toHaveLength(2);
    await docker.containers.stop(`${NAME}-2`, { graceSeconds: 10 });
    const { State, Config } = await docker.containers.inspect(`${NAME}-2`);
    expect(State).toMatchObject({ Status: "exited", ExitCode: 3, OOMKilled: false });
    expect(Config.Labels).toMatchObject({ "belay.test": "1" });
    await docker.containers.remove(`${NAME}-2`);
    await expect(docker.containers.inspect(`${NAME}-2`)).rejects.toSatisfy(isNotFound);
  });

  test("are killed by signal", async () => {
    await docker.containers.start(await create(["sleep", "60"]));
    await docker.containers.kill(NAME, "SIGKILL");
    await expect
      .poll(async () => (await docker.containers.inspect(NAME)).State.ExitCode, { timeout: 30_000 })
      .toBe(137);
    await expect(docker.containers.kill(NAME, "SIGTERM")).rejects.toSatisfy(isConflict);
  });

  test.each([false, true])("tell their last log lines, redacted (terminal: %s)", async (Tty) => {
    const redactor = new Redactor();
    redactor.add("s3cret-word");
    const own = await connectDocker({ env: engine.env, redactor });
    const script = "for i in $(seq 1 500); do echo line $i; done; sleep 0.3; echo the s3cret-word >&2";
    await docker.containers.start(await create(["sh", "-c", script], { Tty }));
    await expect
      .poll(async () => (await docker.containers.inspect(NAME)).State.Status, { timeout: 30_000 })
      .toBe("exited");
    const lines = await own.containers.logs(NAME, { tail: 3 });
    expect(lines.map((line) => line.text).sort()).toEqual(["line 499", "line 500", "the ***"]);
    expect(lines.find((line) => line.text === "the ***")?.stream).toBe(Tty ? "stdout" : "stderr");
    expect((await own.containers.logs(NAME, { tail: 1_000, maxBytes: 200 })).length).toBeLessThan(30);
    await own.close();
  });

  test("take files before their start, and give them back", async () => {
    await using folder = await temporaryFolder("belay-docker");
    await mkdir(join(folder.path, "etc/shop"), { recursive: true });
    await writeFile(join(folder.path, "etc/shop/greeting"), "hällo\0", { mode: 0o640 });
    const pack = ["-C", folder.path, "--owner=7", "--group=8", "-cf", "-", "etc/shop/greeting"];
    const { stdout: tar } = await promisify(execFile)("tar", pack, { encoding: "buffer" });
    const id = await create();
    await docker.containers.unpack(id, tar);
    const read = (path: string, limit = 1_000) => docker.containers.readFile(id, path, limit);
    expect(await read("/etc/shop/greeting")).toEqual({
      bytes: new Uint8Array(Buffer.from("hällo\0")),
      ...{ uid: 7, gid: 8, mode: 0o640 },
    });
    expect(await read("/etc/shop/greeting", 3)).toBeUndefined();
    expect(await read("/etc/shop")).toBeUndefined();
    expect(await read("/etc/nothing")).toBeUndefined();
    const large = ["sh", "-c", "head -c 3000000 /dev/zero > /large"];
    await docker.containers.start(await create(large));
    await expect
      .poll(async () => (await docker.containers.inspect(NAME)).State.Status, { timeout: 30_000 })
      .toBe("exited");
    expect(await docker.containers.readFile(NAME, "/large", 1_000)).toBeUndefined();
    expect((await docker.containers.readFile(NAME, "/large", 3_000_000))?.bytes.length).toBe(3_000_000);
    expect((await docker.info()).OSType).toBe("linux");
    await docker.containers.remove(NAME, { force: true });
    await expect(docker.containers.unpack(NAME, tar)).rejects.toSatisfy(isNotFound);
  });

  test("run commands and tell their exit code and output", async () => {
    await docker.containers.start(await create());
    // Between the two streams the engine keeps no order; within each it does.
    const script = "echo $GREETING; pwd; sleep 0.3; echo no >&2; exit 7";
    const ran = await docker.containers.exec(NAME, ["sh", "-c", script], {
      env: { GREETING: "hi; rm -rf $HOME" },
      workingDir: "/etc",
    });
    expect(ran).toEqual({ exitCode: 7, output: "hi; rm -rf $HOME\n/etc\nno\n" });
    expect((await docker.containers.exec(NAME, ["/nowhere"])).exitCode).toBeGreaterThanOrEqual(126);
    const large = await docker.containers.exec(NAME, ["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x"], {
      maxBytes: 1_000,
    });
    expect(large.exitCode).toBe(0);
    expect(large.output.length).toBeLessThanOrEqual(40_000);
    const slow = docker.containers.exec(NAME, ["sleep", "5"], {}, { deadlineMs: 200 });
    await expect(slow).rejects.toMatchObject({ code: "TIMED_OUT" });
    expect((await docker.containers.exec(NAME, ["true"])).exitCode).toBe(0);
    await docker.containers.remove(NAME, { force: true });
    await expect(docker.containers.exec(NAME, ["true"])).rejects.toSatisfy(isNotFound);
  });

  test("change their names in a network", async () => {
    await engine.docker(["network", "create", "--label", "belay.test=1", NAME]);
    const [network] = await docker.networks.list({ filters: { label: ["belay.test=1"] } });
    await docker.containers.start(await create());
    await docker.networks.connect(NAME, NAME, { Aliases: ["web"] });
    expect(Object.keys((await docker.networks.inspect(NAME)).Containers ?? {})).toHaveLength(1);
    expect((await docker.containers.inspect(NAME)).NetworkSettings.Networks[NAME]?.Aliases).toContain("web");
    await docker.networks.disconnect(NAME, NAME, { force: true });
    expect((await docker.containers.inspect(NAME)).NetworkSettings.Networks[NAME]).toBeUndefined();
    await expect(docker.networks.disconnect(network?.Id ?? "", NAME)).rejects.toMatchObject({ code: "ENGINE_ERROR" });
    await docker.containers.remove(NAME, { force: true });
    await engine.docker(["network", "rm", NAME]);
  });
});

test("volumes: of two that create one, both see the first one's labels", async () => {
  const volume = await docker.volumes.create({ Name: NAME, Labels: { nonce: "1" } });
  expect((await docker.volumes.create({ Name: NAME, Labels: { nonce: "2" } })).Labels).toEqual(volume.Labels);
  expect((await docker.volumes.list({ filters: { label: ["nonce=1"] } })).map((one) => one.Name)).toEqual([NAME]);
  expect((await docker.volumes.inspect(NAME)).Labels).toEqual({ nonce: "1" });
  await docker.volumes.remove(NAME);
  await expect(docker.volumes.inspect(NAME)).rejects.toSatisfy(isNotFound);
});

describe("images", () => {
  test("go to a registry and come back by digest", async () => {
    const reference = `${registry.address}/shop/web:1`;
    await docker.images.tag(BASE_IMAGES.busybox, reference);
    const { digest } = await docker.images.push(reference, { auth });
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    const seen = await docker.images.distribution(reference, { auth });
    expect(seen.Descriptor.digest).toBe(digest);
    const { Id } = await docker.images.inspect(reference);
    await docker.images.remove(reference);
    const progress: string[] = [];
    const byDigest = `${registry.address}/shop/web@${digest}`;
    await docker.images.pull(byDigest, { auth, onProgress: (message) => progress.push(message.status ?? "") });
    expect(progress.length).toBeGreaterThan(0);
    const pulled = await docker.images.inspect(byDigest);
    expect(pulled).toMatchObject({ Id, RepoDigests: expect.arrayContaining([byDigest]) });
    expect((await docker.images.list({ filters: { reference: [BASE_IMAGES.busybox] } })).map((one) => one.Id)).toEqual([
      Id,
    ]);
    await docker.images.remove(byDigest);
  });

  test("what is refused or missing is an error, though the status of a push is 200", async () => {
    const reference = `${registry.address}/shop/web:2`;
    await docker.images.tag(BASE_IMAGES.busybox, reference);
    await expect(docker.images.push(reference)).rejects.toMatchObject({
      engineMessage: expect.stringMatching(/auth/i),
    });
    const wrong = { ...auth, password: "wrong-word" };
    const failed: unknown = await docker.images.push(reference, { auth: wrong }).catch((error: unknown) => error);
    expect(String(failed)).not.toContain("wrong-word");
    await docker.images.remove(reference);
    await expect(docker.images.pull(`${registry.address}/nope:1`, { auth })).rejects.toSatisfy(isNotFound);
    await expect(docker.images.inspect("belay-test/nope:1")).rejects.toSatisfy(isNotFound);
    await registry.pause();
    await expect(docker.images.pull(reference, { auth })).rejects.toMatchObject({
      engineMessage: expect.stringContaining("refused"),
    });
    await registry.start();
  });
});

test("events come from the wished time on, and end with the signal", async () => {
  const since = Date.parse((await docker.info()).SystemTime) / 1_000;
  const id = await create();
  await docker.containers.start(id);
  await docker.containers.remove(id, { force: true });
  const stop = new AbortController();
  const actions: string[] = [];
  for await (const event of docker.events({
    since,
    signal: stop.signal,
    filters: { container: [id], type: ["container"] },
  })) {
    actions.push(event.Action);
    if (event.Action === "destroy") stop.abort();
  }
  expect(actions).toEqual(["create", "start", "kill", "die", "destroy"]);
});

test("what the engine remembers of its events ends by itself, at the wished time", async () => {
  const seconds = async (): Promise<number> => Date.parse((await docker.info()).SystemTime) / 1_000;
  const id = await create();
  const between = await seconds();
  await docker.containers.remove(id, { force: true });
  const actions = async (until: number): Promise<string[]> => {
    const events = await docker.pastEvents(until);
    return events.filter(({ Type, Actor }) => Type === "container" && Actor.ID === id).map(({ Action }) => Action);
  };
  expect(await actions(between)).toEqual(["create"]);
  expect(await actions(await seconds())).toEqual(["create", "destroy"]);
  // An engine whose clock is behind would go on sending until that time has come.
  expect(await actions(between + 3_600)).toEqual(["create", "destroy"]);
});
