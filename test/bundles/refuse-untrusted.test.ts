/** A fork's code where the workflow holds our secrets, through every built entry that would do something with it. */
import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type ListenOptions, type Server } from "node:net";
import { join } from "node:path";
import { createRelease, type Digest, type Release, writeRelease } from "@belay/core";
import {
  createRepository,
  type GitHubRig,
  startGitHub,
  type ThrowawayRepository,
  temporaryFolder,
} from "@belay/testkit";
import { strToU8, zipSync } from "fflate";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type BundleResult, runBundle } from "./run-bundle.ts";

const ACTIONS = ["belay", "build", "scan", "push", "sign", "deploy", "plan", "prune", "rollback"] as const;
const COMMANDS = [
  "run",
  "build",
  "scan",
  "push",
  "sign",
  "plan",
  "deploy",
  "prune",
  "rollback",
  "reconcile",
  "status",
] as const;
const MAIN = "b".repeat(40);
const REFUSED = "comes from code that nobody has accepted yet";

let github: GitHubRig;
let repository: ThrowawayRepository;
let engine: Listener;
let registry: Listener;
let folder: string;
let key: string;
/** On no branch of the repository. */
let head: string;
/** How many GitHub has of the tests before. */
let deployments: number;
const owned = new AsyncDisposableStack();

beforeAll(async () => {
  folder = owned.adopt(await temporaryFolder("belay-untrusted"), (one) => one.remove()).path;
  const permissions = { actions: "read", contents: "read", deployments: "write", "pull-requests": "write" } as const;
  github = owned.adopt(await startGitHub({ tokens: [{ token: "ghs_test", permissions }] }), (one) => one.close());
  repository = owned.adopt(await createRepository({ slug: "acme/shop" }), (one) => one.remove());
  registry = owned.adopt(await listen({ host: "127.0.0.1", port: 0 }), ({ server }) => void server.close());
  engine = owned.adopt(await listen({ path: join(folder, "docker.sock") }), ({ server }) => void server.close());
  head = await repository.commit("Take what is there", {
    "belay.yaml": [
      "version: 1",
      "application: shop",
      `services: { web: { image: ${hostOf(registry)}/acme/web, build: { context: web } } }`,
      "environments: { staging: { target: { kind: compose, project: shop, files: [compose.yaml] } } }",
      "",
    ].join("\n"),
    "web/Dockerfile": "FROM scratch\n",
    "compose.yaml": "services: {}\n",
  });
  for (const sha of [head, MAIN]) github.addCommit({ sha });
  github.setRef("refs/heads/main", MAIN);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  key = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
});
afterAll(() => owned.disposeAsync());
beforeEach(() => {
  deployments = github.deployments().length;
  engine.calls = 0;
  registry.calls = 0;
});

interface Listener {
  readonly server: Server;
  calls: number;
}

/** Counts whoever calls, and hangs up. */
async function listen(where: ListenOptions): Promise<Listener> {
  const seen: Listener = {
    calls: 0,
    server: createServer((socket) => {
      seen.calls++;
      socket.destroy();
    }),
  };
  await new Promise<void>((resolve) => seen.server.listen(where, resolve));
  return seen;
}

function hostOf({ server }: Listener): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What GitHub says of the pull request of a fork, and of a run that it caused. */
const EVENTS: Readonly<Record<string, () => object>> = {
  pull_request_target: () => ({
    pull_request: {
      number: 7,
      head: { sha: head, repo: { full_name: "eve/shop" } },
      base: { repo: { full_name: "acme/shop" } },
    },
  }),
  workflow_run: () => ({
    workflow_run: {
      head_sha: head,
      head_repository: { full_name: "eve/shop" },
      repository: { full_name: "acme/shop" },
    },
  }),
  push: () => ({ ref: "refs/heads/main", after: head }),
};

/** A job on that event, with the commit checked out, and with what the fork's run left: a release that passed everything. */
async function job(event: string): Promise<Readonly<Record<string, string>>> {
  const place = await mkdtemp(join(folder, "job-"));
  const payload = join(place, "event.json");
  await writeFile(payload, JSON.stringify(EVENTS[event]?.()));
  await leaveRelease(join(place, "belay"));
  return {
    GITHUB_ACTIONS: "true",
    GITHUB_REPOSITORY: github.repository,
    GITHUB_API_URL: github.apiUrl,
    GITHUB_EVENT_NAME: event,
    GITHUB_EVENT_PATH: payload,
    GITHUB_SHA: MAIN,
    GITHUB_RUN_ID: "78",
    GITHUB_TOKEN: "ghs_test",
    DOCKER_HOST: `unix://${join(folder, "docker.sock")}`,
    COSIGN_PRIVATE_KEY: key,
    RUNNER_TEMP: place,
  };
}

/** Of the commit that is checked out. */
function passedRelease(): Release {
  const config: Digest = `sha256:${"c".repeat(64)}`;
  const manifest: Digest = `sha256:${"a".repeat(64)}`;
  const platforms = { "linux/amd64": { config, manifest } };
  const counts = { fails: 0, known: 0, reported: 0, ignored: 0 };
  const web = { result: "passed", counts, policy: config, platforms: { "linux/amd64": { config, report: config } } };
  return createRelease({
    stage: "push",
    application: "shop",
    source: { repository: "https://github.com/acme/shop", revision: head },
    services: { web: { repository: `${hostOf(registry)}/acme/web`, platforms, digest: manifest, tags: ["latest"] } },
    evidence: {
      scan: { result: "passed", scannedAt: "2026-01-01T00:00:00Z", services: { web: { ...web, result: "passed" } } },
    },
    createdAt: "2026-01-01T00:00:00Z",
  });
}

async function leaveRelease(place: string): Promise<void> {
  await mkdir(place);
  await writeRelease(join(place, "release.json"), passedRelease());
}

async function step(action: string, event: string, more: Readonly<Record<string, string>> = {}): Promise<BundleResult> {
  const inputs = { environment: "staging", to: "previous", "github-token": "ghs_test", ...more };
  return runBundle(`${action}/index`, { inputs, env: await job(event), cwd: repository.folder });
}

async function command(name: string, event: string, more: readonly string[] = []): Promise<BundleResult> {
  const environment = ["push", "sign", "prune"].includes(name) ? [] : ["--environment", "staging"];
  const args = [name, ...environment, ...(name === "rollback" ? ["--to", "previous"] : []), ...more];
  return runBundle("cli/index", { args, env: await job(event), cwd: repository.folder });
}

function expectNothingTouched(): void {
  expect({ engine: engine.calls, registry: registry.calls }).toEqual({ engine: 0, registry: 0 });
  expect(github.deployments()).toHaveLength(deployments);
}

describe.each(["pull_request_target", "workflow_run"])("on %s of a fork", (event) => {
  it.each(ACTIONS)("the action %s touches nothing, so that its post step has nothing to put right", async (action) => {
    const result = await step(action, event);
    expect(result.stdout).toContain(`the event ${event} ${REFUSED}`);
    expect(result.outputs).toMatchObject({ outcome: "invalid_input", "exit-code": "2" });
    expect(result).toMatchObject({ exitCode: 1, state: {} });
    expectNothingTouched();
  });

  it.each(COMMANDS)("`belay %s` touches nothing", async (name) => {
    const result = await command(name, event);
    expect(result.stderr).toContain(`the event ${event} ${REFUSED}`);
    expect(result.exitCode).toBe(2);
    expectNothingTouched();
  });
});

describe("on a push to the repository itself", () => {
  it.each(["deploy", "prune", "rollback"])(
    "the action %s goes on, so that all of this would be seen",
    async (action) => {
      const result = await step(action, "push");
      expect(result.stdout).not.toContain(REFUSED);
      expect(engine.calls + registry.calls).toBeGreaterThan(0);
    },
  );
});

describe("with the release of another run, on a push to the repository itself", () => {
  const RUN = 77;
  const download = () => github.requests.filter(({ path }) => path.endsWith("/zip"));

  beforeAll(() => {
    const archive = zipSync({ "release.json": strToU8(JSON.stringify(passedRelease())) });
    github.addArtifact({ run: RUN, name: "belay-release", archive });
  });

  describe.each([
    ["for another commit", () => ({ headSha: MAIN }), `GitHub says that the run was for ${MAIN.slice(0, 12)}`],
    ["of a fork", () => ({ headSha: head, headRepository: "eve/shop" }), "the run is for a commit of eve/shop"],
  ])("that GitHub says was %s", (_case, seed, words) => {
    beforeEach(() => github.addRun({ id: RUN, ...seed() }));

    it("the action deploy touches nothing, though the release beside it would do", async () => {
      const result = await step("deploy", "push", { release: `run:${RUN}` });
      expect(result.stdout).toContain(words);
      expect(result.outputs).toMatchObject({ outcome: "invalid_input", "exit-code": "2" });
      expect(result).toMatchObject({ exitCode: 1, state: {} });
      expectNothingTouched();
    });

    it("`belay deploy` touches nothing", async () => {
      const result = await command("deploy", "push", ["--release", `run:${RUN}`]);
      expect(result.stderr).toContain(words);
      expect(result.exitCode).toBe(2);
      expectNothingTouched();
    });
  });

  it("the action deploy goes on with the one that GitHub says is of its commit, so that all of this would be seen", async () => {
    github.addRun({ id: RUN, headSha: head });
    const before = download().length;
    const result = await step("deploy", "push", { release: `run:${RUN}` });
    expect(result.outputs.outcome).not.toBe("invalid_input");
    expect(download()).toHaveLength(before + 1);
    expect(engine.calls + registry.calls).toBeGreaterThan(0);
  });
});
