/** Code that nobody has accepted, where the workflow holds secrets: nothing is built of it, and no target hears of it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRelease, createRunner, Inputs, Redactor, type Runner, writeRelease } from "@belay/core";
import { createRepository, type GitHubRig, startGitHub, type ThrowawayRepository } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { build } from "./build.ts";
import type { PipelineContext } from "./context.ts";
import { deploy } from "./deploy.ts";
import { createContext } from "./testing/create-context.ts";
import { loadBuildInputs, loadDeployInputs } from "./use-case-inputs.ts";

const CONFIG = `version: 1
application: shop
services: { web: { image: ghcr.io/acme/web, build: { context: web } } }
environments: { staging: { target: { kind: compose, project: shop, files: [compose.yaml] } } }
`;

let github: GitHubRig;
let repository: ThrowawayRepository;
let engine: Engine;
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
  const files = { "belay.yaml": CONFIG, "web/Dockerfile": "FROM scratch\n", "compose.yaml": "services: {}\n" };
  head = await repository.commit("Take what is there", files);
  github.addCommit({ sha: "b".repeat(40) });
  github.setRef("refs/heads/main", "b".repeat(40));
  github.addCommit({ sha: head });
  engine = await listenAsEngine(join(folder, "docker.sock"));
  vi.stubEnv("DOCKER_HOST", `unix://${engine.path}`);
  vi.stubEnv("DOCKER_CONTEXT", undefined);
  ran = [];
}, 60_000);
afterEach(async () => {
  vi.unstubAllEnvs();
  engine.server.close();
  await repository.remove();
  await github.close();
  await rm(folder, { recursive: true });
});

interface Engine {
  readonly path: string;
  readonly server: Server;
  calls: number;
}

/** Counts whoever calls, and hangs up. */
async function listenAsEngine(path: string): Promise<Engine> {
  const seen: Engine = {
    path,
    calls: 0,
    server: createServer((socket) => {
      seen.calls++;
      socket.destroy();
    }),
  };
  await new Promise<void>((resolve) => seen.server.listen(path, resolve));
  return seen;
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
  expect(engine.calls).toBe(0);
  expect(github.deployments()).toEqual([]);
}

describe.each(EVENTS)("on %s of a fork", { timeout: 60_000 }, (name, payload) => {
  it("nothing is built, no builder is asked and no engine", async () => {
    const context = await job(name, payload());
    await expect(build(context, loadBuildInputs(inputs))).rejects.toMatchObject(refused(name));
    expectNothingTouched();
  });

  it("nothing is deployed, and the target is not asked", async () => {
    const release = createRelease({
      stage: "push",
      application: "shop",
      source: { repository: "https://github.com/acme/shop", revision: head },
      services: {
        web: { repository: "ghcr.io/acme/web", platforms: {}, digest: `sha256:${"a".repeat(64)}`, tags: [] },
      },
      evidence: {},
      createdAt: "2026-01-01T00:00:00Z",
    });
    await writeRelease(join(folder, "release.json"), release);
    const context = await job(name, payload());
    await expect(deploy(context, loadDeployInputs(inputs))).rejects.toMatchObject(refused(name));
    expectNothingTouched();
  });
});

it("what the repository itself pushed is built, so that all of this would be seen", { timeout: 60_000 }, async () => {
  const context = await job("push", { after: head });
  await expect(build(context, loadBuildInputs(inputs))).rejects.not.toMatchObject(refused("push"));
  expect(ran.some((line) => line.startsWith("docker ")) || engine.calls > 0).toBe(true);
});
