import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ComposeTargetOptions, createComposeTarget } from "@belay/compose";
import {
  createRelease,
  createRunner,
  type Digest,
  type ImageIdentity,
  Redactor,
  type Release,
  type Scope,
  scopeHash,
  systemClock,
  type Target,
} from "@belay/core";
import { connectDocker, type Docker } from "@belay/docker";
import {
  type AttachedEngine,
  BASE_IMAGES,
  createTestLog,
  freePort,
  makeBaseImages,
  type RegistryRig,
  startRegistry,
  type TestLog,
  temporaryFolder,
  useEngine,
} from "@belay/testkit";

/**
 * What the test application does: an HTTP server that needs 100 ms for an answer, or asks a database over a connection that
 * it opened at its start, and ends well on SIGTERM.
 */
const APP = `
const http = require("http");
const { VERSION, BAD, EXTRA, POOL } = process.env;
const waiting = [];
const db = POOL && require("net").connect(5000, "db").on("data", (d) => d.forEach(() => waiting.shift()()));
const ask = (done) => db ? (waiting.push(done), db.write("x")) : setTimeout(done, 100);
const server = http.createServer((q, r) => {
  if (q.url === "/healthz") { r.statusCode = BAD === "unhealthy" ? 500 : 200; return r.end(BAD || "fine"); }
  ask(() => { r.setHeader("connection", "close"); r.end(VERSION + (EXTRA || "")); });
});
setTimeout(() => server.listen(8080, () => console.log("listening")), 300);
if (BAD === "crash") setTimeout(() => { console.log("no database at db:5432"); process.exit(3); }, 500);
if (BAD === "once") setTimeout(() => process.exit(1), 200);
if (BAD === "done") setTimeout(() => process.exit(0), 200);
process.on("SIGTERM", async () => { if (BAD === "slow") await new Promise((done) => setTimeout(done, 2500)); server.close(() => process.exit(0)); server.closeIdleConnections(); });
`;

const HAPROXY = `
global
  maxconn 500
resolvers docker
  nameserver dns 127.0.0.11:53
  resolve_retries 3
  timeout resolve 200ms
  timeout retry 200ms
  hold valid 200ms
  hold obsolete 400ms
defaults
  mode http
  timeout connect 500ms
  timeout client 10s
  timeout server 10s
  # As docs/compose.md says: with 5, one of 2,500 requests met nobody but containers that ended, on a busy machine.
  retries 20
  option redispatch 1
  retry-on conn-failure empty-response
frontend in
  bind :8000
  default_backend web
backend web
  balance roundrobin
  http-reuse never
  server-template web 8 web:8080 resolvers docker resolve-prefer ipv4 init-addr none
`;

export interface Stand {
  readonly engine: AttachedEngine;
  readonly docker: Docker;
  readonly registry: RegistryRig;
  /** `good1`, `good2`, `crash`, `unhealthy`, … → identity at the registry. */
  image(name: string): Promise<ImageIdentity>;
  project(name: string): Promise<ProjectStand>;
  stop(): Promise<void>;
}

/** One compose project in a folder of its own. */
export interface ProjectStand extends Pick<Stand, "engine" | "docker" | "image"> {
  readonly name: string;
  readonly folder: string;
  readonly port: number;
  readonly log: TestLog;
  readonly scope: Scope;
  write(compose: string): Promise<void>;
  compose(args: readonly string[], input?: string): Promise<string>;
  target(more?: Partial<ComposeTargetOptions>): Promise<Target>;
  /** Name → id, of all containers of a service (of the project). */
  ids(service?: string): Promise<Record<string, string>>;
  remove(): Promise<void>;
}

/** @param given an engine that somebody else ends. */
export async function openStand(given?: AttachedEngine): Promise<Stand> {
  const engine = given ?? (await useEngine());
  await makeBaseImages(engine);
  const registry = await startRegistry();
  const docker = await connectDocker({ env: engine.env });
  const images = new Map<string, Promise<ImageIdentity>>();
  const projects: ProjectStand[] = [];
  const image = (name: string): Promise<ImageIdentity> => {
    const known = images.get(name) ?? pushImage(engine, registry, name);
    images.set(name, known);
    return known;
  };
  return {
    engine,
    docker,
    registry,
    image,
    project: async (name) => {
      const project = await openProject({ engine, docker, image }, name);
      projects.push(project);
      return project;
    },
    stop: async () => {
      for (const project of projects) await project.remove();
      const made = (await Promise.all(images.values())).flatMap((one) => [
        `${one.repository}:${one.tags[0]}`,
        `${one.repository}@${one.digest}`,
      ]);
      if (made.length > 0) await engine.docker(["image", "rm", "--force", ...made], { allowedExitCodes: [0, 1] });
      await docker.close();
      await registry.stop();
      if (given === undefined) await engine.stop();
    },
  };
}

async function pushImage(engine: Stand["engine"], registry: RegistryRig, name: string): Promise<ImageIdentity> {
  const repository = `${registry.address}/belay-test/shop`;
  const bad = /^good|^pool/.test(name) ? "" : name;
  // A busy machine starts slowly: only the image that is meant to be unhealthy is judged from its first probe on.
  const grace = bad === "unhealthy" ? "" : "--start-period=15s";
  const probe = JSON.stringify(["wget", "-q", "-O-", "http://127.0.0.1:8080/healthz"]);
  // Each check starts a process in each container: twice as often, and they alone would keep a small machine busy.
  const health = `HEALTHCHECK ${grace} --interval=800ms --timeout=15s --retries=2 CMD ${probe}`;
  const changes = [
    `ENV VERSION=${name}`,
    `ENV BAD=${bad}`,
    `ENV POOL=${name.startsWith("pool") ? "1" : ""}`,
    `CMD ${JSON.stringify(["node", "-e", APP.replaceAll("\n", " ")])}`,
    ...(name === "done" || name === "once" ? [] : [health]),
  ];
  const { stdout } = await engine.docker(["create", BASE_IMAGES.node]);
  const container = stdout.trim();
  const reference = `${repository}:${name}`;
  await engine.docker(["commit", ...changes.flatMap((one) => ["--change", one]), container, reference]);
  await engine.docker(["rm", container]);
  await engine.docker(["push", reference]);
  const inspect = await engine.docker(["image", "inspect", reference]);
  const [{ RepoDigests, Id }] = JSON.parse(inspect.stdout) as [{ RepoDigests: string[]; Id: Digest }];
  const digest = RepoDigests.find((one) => one.startsWith(repository))?.split("@")[1] as Digest;
  // As on a real target: the engine has to pull what it is to run.
  await engine.docker(["image", "rm", "--force", reference, `${repository}@${digest}`], { allowedExitCodes: [0, 1] });
  return { repository, digest, tags: [name], platforms: { "linux/amd64": { config: Id, manifest: digest } } };
}

async function openProject(stand: Pick<Stand, "engine" | "docker" | "image">, name: string): Promise<ProjectStand> {
  const { engine, docker } = stand;
  const folder = await temporaryFolder("belay-compose");
  const redactor = new Redactor();
  const log = createTestLog(redactor);
  const runner = createRunner(redactor);
  const scope: Scope = { target: "compose", project: name, application: "shop", environment: "test" };
  await writeFile(join(folder.path, "haproxy.cfg"), HAPROXY);
  const compose = async (args: readonly string[], input?: string): Promise<string> => {
    const options = { cwd: folder.path, ...(input === undefined ? {} : { input }) };
    return (await engine.docker(["compose", "-p", name, ...args], options)).stdout;
  };
  const list = async (service?: string): Promise<Record<string, string>> => {
    const labels = [
      `com.docker.compose.project=${name}`,
      ...(service ? [`com.docker.compose.service=${service}`] : []),
    ];
    const filters = labels.flatMap((label) => ["--filter", `label=${label}`]);
    const { stdout } = await engine.docker(["ps", "-a", "--no-trunc", ...filters, "--format", "{{.Names}} {{.ID}}"]);
    const lines = stdout.split("\n").filter((line) => line !== "");
    return Object.fromEntries(lines.sort().map((line) => line.split(" ")));
  };
  return {
    ...stand,
    name,
    folder: folder.path,
    port: await freePort(),
    log,
    scope,
    write: (text) => writeFile(join(folder.path, "compose.yaml"), text),
    compose,
    ids: list,
    target: (more = {}) =>
      createComposeTarget({
        ...{ docker, runner, cli: "docker", cliEnv: engine.env, scope, projectDirectory: folder.path },
        ...{ files: ["compose.yaml"], env: {}, services: { web: { name: "web" } }, log, clock: systemClock, redactor },
        ...more,
      }),
    remove: async () => {
      await engine.docker(["compose", "-p", name, "down", "--volumes", "--timeout", "0"]);
      const prefix = `belay.${scopeHash(scope)}.`;
      const { stdout } = await engine.docker(["volume", "ls", "-q", "--filter", `name=${prefix}`]);
      const records = stdout.split("\n").filter((line) => line.startsWith(prefix));
      if (records.length > 0) await engine.docker(["volume", "rm", ...records]);
      await folder.remove();
    },
  };
}

export function releaseOf(services: Readonly<Record<string, ImageIdentity>>): Release {
  const source = { repository: "https://github.com/acme/shop", revision: "0123456789abcdef0123456789abcdef01234567" };
  return createRelease({
    stage: "push",
    application: "shop",
    source,
    services,
    evidence: {},
    createdAt: "2026-01-02T03:04:05Z",
  });
}
