import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { ApplicationSettings, BuildSettings } from "@belay/config";
import { createRunner, Redactor, type Release, type Source, systemClock } from "@belay/core";
import { readLayout } from "@belay/core/oci-layout";
import { connectDocker, type Docker } from "@belay/docker";
import { type BuildImagesOptions, buildImages } from "@belay/images";
import {
  type BuildkitRig,
  createTestLog,
  type EngineRig,
  ensureTools,
  findProgram,
  programFolders,
  programRoot,
  type RegistryRig,
  startBuildkit,
  startEngine,
  startRegistry,
  type TemporaryFolder,
  temporaryFolder,
  waitUntil,
} from "@belay/testkit";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { openPushStand, servedDigest } from "./push-stand.ts";

const runner = createRunner(new Redactor());
const SOURCE: Source = {
  repository: "https://github.com/acme/shop",
  revision: "0123456789abcdef0123456789abcdef01234567",
  ref: "refs/heads/main",
  committedAt: "2026-01-02T03:04:05Z",
  run: { id: "7", attempt: 1, url: "https://github.com/acme/shop/actions/runs/7" },
};
/** With a shell, so that steps can run. */
const SHELL = "FROM scratch AS shell\nCOPY --chmod=755 sh /bin/sh\n";

let engine: EngineRig;
let buildkit: BuildkitRig;
let registry: RegistryRig;
let docker: Docker;
let folder: TemporaryFolder;
let busybox: Buffer;

beforeAll(async () => {
  engine = await startEngine({ buildx: true, edition: "debian" });
  buildkit = await startBuildkit();
  await buildkit.addTo(engine.env, "own");
  registry = await startRegistry();
  docker = await connectDocker({ env: engine.env });
  busybox = await readFile((await findProgram("busybox", programFolders())) ?? "");
}, 2_400_000);
afterAll(async () => {
  await docker?.close();
  await registry?.stop();
  await buildkit?.stop();
  await engine?.stop();
});
beforeEach(async () => {
  folder = await temporaryFolder("belay-features");
  return () => folder.remove();
});

/** A checkout with this Dockerfile. */
async function checkout(name: string, dockerfile: string): Promise<string> {
  const path = join(folder.path, name);
  await mkdir(path);
  await writeFile(join(path, "Dockerfile"), dockerfile);
  await writeFile(join(path, "app.txt"), "good");
  await writeFile(join(path, "sh"), busybox, { mode: 0o755 });
  return path;
}

function layoutOf(service: string): string {
  return join(folder.path, "images", service);
}

function build(
  context: string,
  more: Partial<BuildSettings> = {},
  { image = "belay-test.invalid/web", ...options }: Partial<BuildImagesOptions> & { readonly image?: string } = {},
) {
  const settings = { context, args: {}, platforms: [], ...more };
  const services = { web: { image, names: {}, build: settings } };
  const application: ApplicationSettings = { application: "shop", services, directory: folder.path };
  const common = { runner, docker, env: engine.env, log: createTestLog(), clock: systemClock, layoutOf };
  return buildImages({ application, source: SOURCE, builder: "own", ...common, ...options });
}

async function blob(digest: string | undefined) {
  return JSON.parse(await readFile(join(layoutOf("web"), "blobs", digest?.replace(":", "/") ?? ""), "utf8"));
}

function configDigest(release: Release): string | undefined {
  return Object.values(release.services.web?.platforms ?? {})[0]?.config;
}

it("makes the same image from two checkouts of one commit, at any time", async () => {
  const dockerfile = `${SHELL}WORKDIR /srv/app\nRUN mkdir /data && echo made > /data/file\nCOPY app.txt /app.txt\n`;
  const made: Release[] = [];
  for (const [name, time] of [
    ["one", new Date("2026-02-03T00:00:00Z")],
    ["two", new Date("2026-03-04T00:00:00Z")],
  ] as const) {
    const context = await checkout(name, dockerfile);
    for (const file of ["app.txt", "sh"]) await utimes(join(context, file), time, time);
    made.push(await build(context, { noCache: true }));
  }
  expect(made[0]?.services).toEqual(made[1]?.services);
  const config = await blob(made[0] && configDigest(made[0]));
  expect(config.created).toBe("2026-01-02T03:04:05Z");
  const context = await checkout("three", dockerfile);
  const times = await build(context, { noCache: true, reproducible: false });
  expect(times.services.web?.platforms).not.toEqual(made[0]?.services.web?.platforms);
});

it("finds in the cache what another commit has built, unless a step wants to know the commit's time", async () => {
  const later = { source: { ...SOURCE, revision: "f".repeat(40), committedAt: "2026-01-03T00:00:00Z" } };
  const step = "RUN cat /proc/sys/kernel/random/uuid > /unique\n";
  const context = await checkout("src", `${SHELL}WORKDIR /srv/app\n${step}`);
  await build(context, { noCache: true });
  const log = createTestLog();
  const release = await build(context, {}, { ...later, log });
  expect(log.text()).toMatch(/RUN cat \/proc.*\n.*CACHED/);
  expect((await blob(configDigest(release))).created).toBe("2026-01-03T00:00:00Z");
  await writeFile(
    join(context, "Dockerfile"),
    `${SHELL}ARG SOURCE_DATE_EPOCH\nRUN test "$SOURCE_DATE_EPOCH" = 1767398400\n`,
  );
  await build(context, {}, later);
});

it("gives steps secrets that nobody else sees: not the log, not the image or what is told of it, not the command line", async () => {
  const value = "s3cr3t-of-the-build";
  const context = await checkout(
    "src",
    `${SHELL}RUN --mount=type=secret,id=npm --mount=type=secret,id=key cat /run/secrets/npm /run/secrets/key && echo written-by-the-step | tr a-z A-Z > /written && test "$(cat /run/secrets/npm)" = "${value.slice(0, 6)}"'${value.slice(6)}'\n`,
  );
  await writeFile(join(folder.path, "key"), "the-key-of-a-file\n");
  const secrets = { npm: { env: "BELAY_TEST_NPM" }, key: { file: join(folder.path, "key") } };
  const redactor = new Redactor();
  const log = createTestLog(redactor);
  await build(
    context,
    { secrets, noCache: true, provenance: "max" },
    { log, env: { ...engine.env, BELAY_TEST_NPM: value }, onSecret: (secret) => redactor.add(secret) },
  );
  expect(log.text()).toContain("--secret=id=npm,env=BELAY_TEST_NPM");
  expect(log.text()).toMatch(/#\d+ [\d.]+ \*\*\*/);
  expect(log.text()).not.toContain(value);
  expect(log.text()).not.toContain("the-key-of-a-file");
  const { entries } = await readLayout(layoutOf("web"));
  const blobs = await blobsOf("web");
  expect(blobs.get(entries[0]?.config ?? "")?.toString()).toContain('"rootfs"');
  // A layer, with what the step wrote, and the statement that names the secrets are among them.
  const texts = [...blobs.values()].map((bytes) => bytes.toString("latin1"));
  expect(texts.filter((text) => text.includes("WRITTEN-BY-THE-STEP"))).toHaveLength(1);
  expect(texts.filter((text) => text.includes("slsa.dev/provenance") && text.includes('"npm"'))).toHaveLength(1);
  for (const secret of [value, "the-key-of-a-file"]) {
    const forms = [secret, ...[0, 1, 2].map((skip) => base64Within(secret, skip))];
    for (const [digest, bytes] of blobs) {
      for (const form of forms) expect(bytes.includes(form), `${form} in ${digest}`).toBe(false);
    }
  }
});

/** Every blob of a service's layout by its digest, with the layers unpacked. */
async function blobsOf(service: string): Promise<ReadonlyMap<string, Buffer>> {
  const place = join(layoutOf(service), "blobs/sha256");
  const read = async (name: string): Promise<[string, Buffer]> => {
    const bytes = await readFile(join(place, name));
    return [`sha256:${name}`, bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes];
  };
  return new Map(await Promise.all((await readdir(place)).map(read)));
}

/** What base64 makes of a text that begins so many bytes after a group of three, without what its neighbours have a part in. */
function base64Within(text: string, skip: number): string {
  const whole = Buffer.from(`${" ".repeat(skip)}${text}`).toString("base64");
  return whole.slice(skip === 0 ? 0 : 4, whole.length - 4);
}

it("lends steps an ssh key, whose path is relative to belay.yaml", async () => {
  const { privateKey } = generateKeyPairSync("ed25519", {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  await mkdir(join(folder.path, "keys"));
  await writeFile(join(folder.path, "keys/deploy"), privateKey, { mode: 0o600 });
  const step = 'RUN --mount=type=ssh,id=deploy test -S "$SSH_AUTH_SOCK" && echo lent > /lent\n';
  const context = await checkout("src", `${SHELL}${step}`);
  await build(context, { ssh: ["deploy=keys/deploy"], noCache: true });
  const without = build(context, { noCache: true });
  await expect(without).rejects.toMatchObject({
    code: "BUILD_FAILED",
    message: expect.stringContaining("Dockerfile:3"),
  });
});

it("lends steps the keys of the run's agent, and says what to do where there is no agent", async () => {
  const step = "RUN --mount=type=ssh ssh-add -l | tee /lent && grep -q of-the-test /lent\n";
  const context = await checkout("src", `${SHELL}COPY agent/ /\n${step}`);
  const { ssh } = await ensureTools(["ssh"]);
  await programRoot(join(context, "agent"), join(dirname(ssh), "ssh-add"), "usr/bin/ssh-add");
  const listening = join(folder.path, "agent");
  const key = join(folder.path, "key");
  await runner("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "of-the-test", "-f", key]);
  const agent = spawn(join(dirname(ssh), "ssh-agent"), ["-D", "-a", listening], { stdio: "ignore" });
  try {
    const env = { ...engine.env, SSH_AUTH_SOCK: listening };
    await waitUntil("the agent listens", async () => (await stat(listening)).isSocket(), { withinMs: 10_000 });
    await runner("ssh-add", ["-q", key], { env });
    const log = createTestLog();
    await build(context, { ssh: ["default"], noCache: true }, { log, env });
    expect(log.text()).toMatch(/ SHA256:\S+ of-the-test \(ED25519\)/);
  } finally {
    agent.kill();
  }
  for (const [socket, next] of [
    ["", "SSH_AUTH_SOCK names none: start one in a step before this one"],
    [join(folder.path, "nowhere"), "correct the path, which is relative to belay.yaml, or SSH_AUTH_SOCK"],
  ] as const) {
    const none = build(context, { ssh: ["default"], noCache: true }, { env: { ...engine.env, SSH_AUTH_SOCK: socket } });
    await expect(none).rejects.toMatchObject({ code: "BUILD_FAILED", next: expect.stringContaining(next) });
  }
});

it("writes labels and annotations, and takes contexts and arguments, whatever they hold", async () => {
  const hostile = '--push "$(id)" `id` ::set-output name=a::b, ü\u202e';
  await mkdir(join(folder.path, "shared"));
  await writeFile(join(folder.path, "shared/extra.txt"), "extra");
  const dockerfile = "FROM scratch\nARG WHAT\nLABEL what=$WHAT\nCOPY --from=shared extra.txt /\n";
  const release = await build(await checkout("src", dockerfile), {
    args: { WHAT: hostile },
    labels: { "com.example.note": hostile },
    annotations: { "com.example.note": hostile },
    contexts: { shared: join(folder.path, "shared") },
  });
  const config = await blob(configDigest(release));
  expect(config.config.Labels).toMatchObject({
    what: hostile,
    "com.example.note": hostile,
    "org.opencontainers.image.revision": SOURCE.revision,
  });
  const [platform] = Object.values(release.services.web?.platforms ?? {});
  expect((await blob(platform?.manifest)).annotations).toMatchObject({ "com.example.note": hostile });
});

it("keeps the provenance in the index, beside every platform", async () => {
  const context = await checkout("src", "FROM scratch\nCOPY app.txt /\n");
  const platforms = ["linux/amd64", "linux/arm64"];
  const log = createTestLog();
  const plain = await build(context, { platforms });
  const release = await build(context, { platforms, provenance: "max" }, { log });
  // The same images, in an index with their attestations.
  expect(release.services.web?.platforms).toEqual(plain.services.web?.platforms);
  expect(release.services.web?.index).not.toBe(plain.services.web?.index);
  const index = await blob(release.services.web?.index);
  const attestations = index.manifests.filter(
    (one: { annotations?: Record<string, string> }) =>
      one.annotations?.["vnd.docker.reference.type"] === "attestation-manifest",
  );
  expect(attestations).toHaveLength(2);
  const [layer] = (await blob(attestations[0].digest)).layers;
  expect(layer.annotations["in-toto.io/predicate-type"]).toContain("slsa.dev/provenance");
  expect(JSON.stringify(await blob(layer.digest))).toContain(SOURCE.run?.url);
  expect(log.text()).toMatch(/\(linux\/amd64, linux\/arm64, with its attestations \(provenance\) in its index\)/);
});

it("is what the registry serves and the engine pulls, of every platform and with its provenance", async () => {
  const image = `${registry.address}/acme/web`;
  const context = await checkout("src", "FROM scratch\nCOPY app.txt /\n");
  const platforms = ["linux/amd64", "linux/arm64"];
  const built = (await build(context, { platforms, provenance: "max" }, { image })).services.web;
  await using stand = await openPushStand();
  const release = await build(context, { platforms, provenance: "max" }, { image });
  // Its provenance tells the time of the build, so that the index is another; the images are the same.
  expect(release.services.web?.platforms).toEqual(built?.platforms);
  const pushed = await stand.push(release, stand.client(), { layoutOf: async (service) => layoutOf(service) });
  const { index, digest } = pushed.services.web ?? {};
  expect(digest).toBe(release.services.web?.index);
  expect(index).toBe(digest);
  expect(pushed.services.web?.platforms).toEqual(release.services.web?.platforms);
  const base = `${registry.url}/v2/acme/web/manifests`;
  expect(await servedDigest(`${base}/sha-0123456789ab`)).toBe(digest);
  for (const one of (await blob(index)).manifests) expect(await servedDigest(`${base}/${one.digest}`)).toBe(one.digest);
  const reference = `${image}@${digest}`;
  await engine.docker(["pull", "--quiet", reference]);
  const { stdout } = await engine.docker(["image", "inspect", "--format={{.Id}}", reference]);
  expect(stdout.trim()).toBe(release.services.web?.platforms["linux/amd64"]?.config);
});

/** What BuildKit runs to list an image's parts: it looks at a folder and writes a statement (BuildKit docs, "SBOM scanning protocol"). */
const GENERATOR = `${SHELL}COPY <<EOF /scan
statement='{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","predicate":{"name":"shop"}}'
/bin/sh -c "echo '\\$statement'" > "\\$BUILDKIT_SCAN_DESTINATION/web.spdx.json"
EOF
ENTRYPOINT ["/bin/sh", "/scan"]
`;

it("keeps a bill of materials in the index, by the generator that is named", async () => {
  const generator = `${registry.address}/generator:1`;
  const place = await checkout("generator", GENERATOR);
  await engine.docker([
    "buildx",
    "build",
    "--builder=own",
    "--push",
    "--provenance=false",
    `--tag=${generator}`,
    place,
  ]);
  const release = await build(await checkout("src", "FROM scratch\nCOPY app.txt /\n"), { sbom: generator });
  const { manifests } = await blob(release.services.web?.index);
  const attestation = manifests.find((one: { annotations?: object }) => one.annotations !== undefined);
  const [layer] = (await blob(attestation.digest)).layers;
  expect(layer.annotations["in-toto.io/predicate-type"]).toBe("https://spdx.dev/Document");
  expect((await blob(layer.digest)).predicate).toEqual({ name: "shop" });
});

it.each(["local", "registry"])("writes a cache (%s) that another build reads", async (type) => {
  const context = await checkout("src", `${SHELL}RUN cat /proc/sys/kernel/random/uuid > /unique\n`);
  const place = { local: "cache", registry: `${registry.address}/cache/web:main` }[type];
  const to = type === "local" ? `type=local,dest=${place},mode=max` : `type=registry,ref=${place},mode=max`;
  const from = type === "local" ? `type=local,src=${place}` : `type=registry,ref=${place}`;
  const first = await build(context, { cacheTo: [to], noCache: true });
  await engine.docker(["buildx", "prune", "--builder=own", "--all", "--force"]);
  const second = await build(context, { cacheFrom: [from] });
  expect(second.services).toEqual(first.services);
});

const REPORT = (failures: string) =>
  `<testsuite name="cart"><testcase name="adds"/><testcase name="sums" file="src/cart.test.ts" line="3">${failures}</testcase></testsuite>`;

async function tested(junit: string, end: string): Promise<string> {
  const stage = `FROM shell AS test\nCOPY junit.xml /junit.xml\nRUN mkdir /reports && cp /junit.xml /reports/ && ${end}\n`;
  const context = await checkout("src", `${SHELL}${stage}FROM scratch\nCOPY app.txt /\n`);
  await writeFile(join(context, "junit.xml"), junit);
  await mkdir(join(context, "src"));
  await writeFile(join(context, "src/cart.test.ts"), "one\ntwo\nthree\n");
  return context;
}

it("counts the tests that the test stage reports", async () => {
  const context = await tested(REPORT("<skipped/>"), "true");
  const { evidence } = await build(context, { testTarget: "test", testReports: "/reports" });
  expect(evidence.tests).toEqual({
    passed: ["web"],
    reports: { web: { tests: 2, failed: 0, skipped: 1, durationMs: 0 } },
  });
});

it("annotates a failed test of the stage, and makes no image", async () => {
  const log = createTestLog();
  const context = await tested(REPORT('<failure message="expected 2"/>'), "echo 1 > /reports/exit-code");
  const failed = build(context, { testTarget: "test", testReports: "/reports" }, { log });
  await expect(failed).rejects.toMatchObject({
    code: "TESTS_FAILED",
    message: expect.stringMatching(/1 of 2 tests failed.*exit code 1\ncart › sums: expected 2/s),
  });
  expect(log.text()).toContain("error: cart › sums\nexpected 2");
  await expect(readLayout(layoutOf("web"))).rejects.toMatchObject({ code: "RELEASE_INVALID" });
});

it("tells a test stage that fails as before, and one without reports", async () => {
  const context = await tested(REPORT(""), "exit 5");
  const failed = build(context, { testTarget: "test", testReports: "/reports" });
  await expect(failed).rejects.toMatchObject({
    code: "TESTS_FAILED",
    message: expect.stringMatching(/Dockerfile:5: RUN .* exit code 5/s),
  });
  await writeFile(
    join(context, "Dockerfile"),
    (await readFile(join(context, "Dockerfile"), "utf8")).replace("exit 5", "true"),
  );
  const none = build(context, { testTarget: "test", testReports: "/nowhere" });
  await expect(none).rejects.toMatchObject({ code: "INVALID_INPUT", got: "the stage test has no /nowhere" });
});
