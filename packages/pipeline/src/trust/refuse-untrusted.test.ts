/** Code that nobody has accepted, where the workflow holds secrets: nothing is built, scanned, pushed or signed of it, and no target hears of it. */
import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type ListenOptions, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRelease, createRunner, type Digest, Inputs, Redactor, type Runner, writeRelease } from "@belay/core";
import { createRepository, type GitHubRig, startGitHub, type ThrowawayRepository } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { build } from "../build/build.ts";
import { deploy } from "../deploy/deploy.ts";
import { reconcile } from "../deploy/reconcile.ts";
import { prune } from "../prune/prune.ts";
import { loadPruneInputs } from "../prune/prune-inputs.ts";
import { push } from "../push/push.ts";
import type { PipelineContext } from "../run/context.ts";
import { layoutPath } from "../run/places.ts";
import {
  loadBuildInputs,
  loadCommonInputs,
  loadDeployInputs,
  loadPushInputs,
  loadScanInputs,
} from "../run/use-case-inputs.ts";
import { scan } from "../scan/scan.ts";
import { sign } from "../sign/sign.ts";
import { loadSignInputs } from "../sign/sign-inputs.ts";
import { createContext } from "../testing/create-context.ts";

const config = (host: string): string => `version: 1
application: shop
services: { web: { image: ${host}/acme/web, build: { context: web } } }
environments: { staging: { target: { kind: compose, project: shop, files: [compose.yaml] } } }
`;

let github: GitHubRig;
let repository: ThrowawayRepository;
let engine: Listener;
let registry: Listener;
let folder: string;
/** On no branch of the repository. */
let head: string;
/** Programs that were run, and with what. */
let ran: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-untrusted-"));
  github = await startGitHub({
    tokens: [{ token: "ghs_test", permissions: { contents: "read", deployments: "write", "pull-requests": "write" } }],
  });
  repository = await createRepository({ slug: "acme/shop" });
  registry = await listen({ host: "127.0.0.1", port: 0 });
  const files = {
    "belay.yaml": config(hostOf(registry)),
    "web/Dockerfile": "FROM scratch\n",
    "compose.yaml": "services: {}\n",
  };
  head = await repository.commit("Take what is there", files);
  github.addCommit({ sha: "b".repeat(40) });
  github.setRef("refs/heads/main", "b".repeat(40));
  github.addCommit({ sha: head });
  engine = await listen({ path: join(folder, "docker.sock") });
  vi.stubEnv("DOCKER_HOST", `unix://${join(folder, "docker.sock")}`);
  vi.stubEnv("DOCKER_CONTEXT", undefined);
  ran = [];
}, 60_000);
afterEach(async () => {
  vi.unstubAllEnvs();
  engine.server.close();
  registry.server.close();
  await repository.remove();
  await github.close();
  await rm(folder, { recursive: true });
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

const pull = () => ({
  pull_request: {
    number: 7,
    head: { sha: head, repo: { full_name: "eve/shop" } },
    base: { repo: { full_name: "acme/shop" } },
  },
});
const finished = () => ({
  workflow_run: { head_sha: head, head_repository: { full_name: "eve/shop" }, repository: { full_name: "acme/shop" } },
});
const EVENTS = [
  ["pull_request_target", pull],
  ["workflow_run", finished],
] as const;

/** A job on that event, with the commit of the fork checked out. */
async function job(name: string, payload: object): Promise<PipelineContext> {
  const path = join(folder, "event.json");
  await writeFile(path, JSON.stringify(payload));
  const env = {
    GITHUB_ACTIONS: "true",
    GITHUB_REPOSITORY: github.repository,
    GITHUB_API_URL: github.apiUrl,
    GITHUB_SHA: "b".repeat(40),
    GITHUB_EVENT_NAME: name,
    GITHUB_EVENT_PATH: path,
    GITHUB_RUN_ID: "78",
    RUNNER_TEMP: folder,
    COSIGN_PRIVATE_KEY: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
      type: "pkcs8",
      format: "pem",
    }) as string,
  };
  const real = createRunner(new Redactor());
  const runner: Runner = (command, args, options) => {
    ran.push([command, ...args].join(" "));
    return real(command, args, options);
  };
  return { ...createContext(repository.folder, env), runner };
}

const inputs = new Inputs(
  (name) => ({ "github-token": "ghs_test", environment: "staging", release: join(folder, "release.json") })[name],
);
const refused = (name: string) => ({
  code: "INVALID_INPUT",
  got: expect.stringContaining(`the event ${name} comes from code that nobody has accepted yet`),
});

function expectNothingTouched(): void {
  expect(ran.filter((line) => !line.startsWith("git "))).toEqual([]);
  expect({ engine: engine.calls, registry: registry.calls }).toEqual({ engine: 0, registry: 0 });
  expect(github.deployments()).toEqual([]);
}

describe.each(EVENTS)("on %s of a fork", { timeout: 60_000 }, (name, payload) => {
  it("nothing is built, no builder is asked and no engine", async () => {
    const context = await job(name, payload());
    await expect(build(context, loadBuildInputs(inputs))).rejects.toMatchObject(refused(name));
    expectNothingTouched();
  });

  it.each<[string, (context: PipelineContext) => Promise<unknown>]>([
    ["scanned", (context) => scan(context, loadScanInputs(inputs))],
    ["pushed", (context) => push(context, loadPushInputs(inputs))],
    ["signed", (context) => sign(context, loadSignInputs(inputs))],
    ["deployed", (context) => deploy(context, loadDeployInputs(inputs))],
    ["pruned", (context) => prune(context, loadPruneInputs(inputs))],
    ["put right", (context) => reconcile(context, loadCommonInputs(inputs))],
  ])("nothing is %s, whatever its artifact says", async (_done, work) => {
    await leaveArtifact();
    const context = await job(name, payload());
    await expect(work(context)).rejects.toMatchObject(refused(name));
    expectNothingTouched();
  });
});

/** What a hostile run left for the next: the images, and a release that says of them that they passed the scan. */
async function leaveArtifact(): Promise<void> {
  const config: Digest = `sha256:${"c".repeat(64)}`;
  const manifest: Digest = `sha256:${"a".repeat(64)}`;
  const platforms = { "linux/amd64": { config, manifest } };
  const scanned = {
    result: "passed" as const,
    counts: { fails: 0, known: 0, reported: 0, ignored: 0 },
    policy: config,
  };
  const release = createRelease({
    stage: "push",
    application: "shop",
    source: { repository: "https://github.com/acme/shop", revision: head },
    services: { web: { repository: `${hostOf(registry)}/acme/web`, platforms, digest: manifest, tags: ["latest"] } },
    evidence: {
      scan: {
        result: "passed",
        scannedAt: "2026-01-01T00:00:00Z",
        services: { web: { ...scanned, platforms: { "linux/amd64": { config, report: config } } } },
      },
    },
    createdAt: "2026-01-01T00:00:00Z",
  });
  const path = join(folder, "release.json");
  await writeRelease(path, release);
  await mkdir(layoutPath(path, "web"), { recursive: true });
  await writeFile(join(layoutPath(path, "web"), "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [] }));
}

describe("on an event of a fork's pull request, with the default branch checked out", { timeout: 60_000 }, () => {
  it.each<[string, (context: PipelineContext) => Promise<unknown>]>([
    ["pruned", (context) => prune(context, loadPruneInputs(inputs))],
    ["put right", (context) => reconcile(context, loadCommonInputs(inputs))],
  ])("it can be %s: belay.yaml is the repository's own", async (_done, work) => {
    github.setRef("refs/heads/main", head);
    const topic = "c".repeat(40);
    github.addCommit({ sha: topic });
    const payload = pull();
    payload.pull_request.head.sha = topic;
    const context = await job("pull_request_target", payload);
    await expect(work(context)).rejects.not.toMatchObject(refused("pull_request_target"));
    expect(engine.calls).toBeGreaterThan(0);
  });
});

it("what the repository itself pushed is built, so that all of this would be seen", { timeout: 60_000 }, async () => {
  const context = await job("push", { after: head });
  await expect(build(context, loadBuildInputs(inputs))).rejects.not.toMatchObject(refused("push"));
  expect(ran.some((line) => line.startsWith("docker ")) || engine.calls > 0).toBe(true);
});
