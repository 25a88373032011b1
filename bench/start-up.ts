import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type AttachedEngine, useEngine } from "@belay/testkit";
import { type Figure, medianOf, timeProgram } from "./measure.ts";

const DIST = resolve(import.meta.dirname, "../dist");
const TIMES = 15;
const ACTIONS = ["belay", "build", "scan", "push", "deploy", "report"] as const;

/** How long each entry takes until it has told what is wrong, or its help; and until the engine hears of it. */
export async function startUp(): Promise<Figure[]> {
  const node = process.execPath;
  const figures: Figure[] = [];
  const bare = await medianOf(TIMES, () => timeProgram(node, ["-e", "0"]));
  figures.push({ what: "node -e 0 (for comparison)", value: bare, unit: "ms" });
  const help = await medianOf(TIMES, () => timeProgram(node, [join(DIST, "cli/index.js"), "--help"]));
  figures.push({ what: "belay --help", value: help, unit: "ms", limit: 120 });
  const wrong = await medianOf(TIMES, () =>
    timeProgram(node, [join(DIST, "cli/index.js"), "deploy", "--stabel", "5s"]),
  );
  figures.push({ what: "belay deploy with a wrong option", value: wrong, unit: "ms", limit: 120 });
  for (const action of ACTIONS) {
    const env = { PATH: process.env.PATH, INPUT_STRATEGY: "fast", "INPUT_FAIL-ON": "nothing-like-this" };
    const value = await medianOf(TIMES, () => timeProgram(node, [join(DIST, action, "index.js")], env));
    figures.push({ what: `action ${action} with an invalid input`, value, unit: "ms", limit: 120 });
  }
  figures.push(await firstRequest(node));
  return figures;
}

/** From the start of `belay status` to the first byte of a request at the engine's socket, beside `docker ps`. */
async function firstRequest(node: string): Promise<Figure> {
  await using engine = await useEngine();
  const folder = await mkdtemp(join(tmpdir(), "belay-bench-"));
  try {
    await writeFile(join(folder, "compose.yaml"), "services: { web: { image: x } }\n");
    const args = [
      join(DIST, "cli/index.js"),
      "status",
      "--environment",
      "bench",
      "--service",
      "web",
      "--image",
      "example.org/x",
    ];
    const options = ["--application", "bench", "--target", "compose", "--project", "bench", "--files", "compose.yaml"];
    const ours = await medianOf(TIMES, () => untilHeard(engine, folder, node, [...args, ...options]));
    const docker = await medianOf(TIMES, () => untilHeard(engine, folder, "docker", ["ps"]));
    return {
      what: "from start to the first engine request (belay status)",
      value: ours,
      unit: "ms",
      limit: 250,
      today: { tool: "docker ps", value: docker },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Puts a socket of our own before the engine's and notes when the first byte comes. */
async function untilHeard(
  engine: AttachedEngine,
  folder: string,
  command: string,
  args: readonly string[],
): Promise<number> {
  const socket = join(folder, `${Math.random().toString(36).slice(2)}.sock`);
  let heard: number | undefined;
  const server = createServer((client) => {
    client.once("data", () => {
      heard ??= performance.now();
    });
    const upstream = connect(engine.host.slice("unix://".length));
    client.pipe(upstream).pipe(client);
    client.on("error", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
  });
  await new Promise<void>((done) => server.listen(socket, done));
  try {
    const begun = performance.now();
    const env = { ...process.env, ...engine.env, DOCKER_HOST: `unix://${socket}`, RUNNER_TEMP: folder };
    await timeProgram(command, args[0]?.startsWith("/") ? [...args, "--working-directory", folder] : args, env);
    if (heard === undefined) throw new Error(`${command} ${args.join(" ")} never asked the engine`);
    return heard - begun;
  } finally {
    server.close();
  }
}
