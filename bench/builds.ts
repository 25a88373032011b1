import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { startBuildkit, startEngine, startRegistry, temporaryFolder } from "@belay/testkit";
import { bundle } from "../scripts/bundle.ts";
import { type Figure, median } from "./measure.ts";

const execute = promisify(execFile);

/** A step that copies what changed, so that each run really builds something small. */
const DOCKERFILE = "FROM scratch\nCOPY app.txt /app.txt\n";
const config = (registry: string): string => `version: 1
application: shop
services: { web: { image: "${registry}/web", build: { context: . } } }
`;
/** Whoever commits, and nothing of this machine's own. */
const GIT = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"];

/**
 * What Belay adds to a build: the time of `belay build` beside that of docker's own command with the same builder and the
 * same output. Each builds a commit of its own, and Belay asks the registry, which is on this machine, whether it was built
 * before: it was not. They take turns, so that both have the same machine; the overhead is the median of what each turn took
 * longer than docker's just before it.
 */
export async function builds(times: number): Promise<Figure[]> {
  await using folder = await temporaryFolder("belay-bench-build");
  await bundle(resolve(import.meta.dirname, ".."), join(folder.path, "dist"));
  await using engine = await startEngine({ buildx: true, edition: "debian" });
  await using buildkit = await startBuildkit();
  await buildkit.addTo(engine.env, "own");
  await using registry = await startRegistry();
  const repository = await makeRepository(join(folder.path, "repo"), registry.address);
  const belay = ["--disable-warning=ExperimentalWarning", join(folder.path, "dist/cli/index.js"), "build"];
  const env = { ...process.env, ...engine.env, RUNNER_TEMP: folder.path };
  const run = async (program: string, words: readonly string[], round: string): Promise<number> => {
    await writeFile(join(repository, "app.txt"), round);
    await execute("git", [...GIT, "commit", "--quiet", "--all", "--message", round], { cwd: repository });
    const begun = performance.now();
    await execute(program, [...words], { cwd: repository, env });
    return performance.now() - begun;
  };
  const layout = `--output=type=oci,tar=false,dest=${join(folder.path, "layout")}`;
  const ways = {
    "into the engine": {
      docker: ["build", "--tag=belay-bench.invalid/web:today", "."],
      belay: [...belay, "--builder=default"],
    },
    "into a layout": { docker: ["buildx", "build", "--builder=own", layout, "."], belay: [...belay, "--builder=own"] },
  };
  const figures: Figure[] = [];
  for (const [name, words] of Object.entries(ways)) {
    const [today, ours]: [number[], number[]] = [[], []];
    // The first round warms caches.
    for (let round = 0; round <= times * 2; round++) {
      const before = await run("docker", words.docker, `${name} ${round} docker`);
      const after = await run(process.execPath, words.belay, `${name} ${round} belay`);
      if (round === 0) continue;
      today.push(before);
      ours.push(after);
    }
    const tool = { tool: "docker build", value: median(today) };
    figures.push({ what: `belay build ${name}`, value: median(ours), unit: "ms", today: tool });
    const overhead = median(ours.map((value, round) => value - (today[round] ?? Number.NaN)));
    figures.push({ what: `overhead of a build ${name}`, value: overhead, unit: "ms", limit: 200 });
  }
  // Otherwise the figure is of less than people run.
  const rounds = Object.keys(ways).length * (times * 2 + 1);
  const asked = (await registry.log()).match(/GET \/v2\/web\/manifests\/sha-/g)?.length ?? 0;
  if (asked < rounds) throw new Error(`the registry was asked ${asked} times for ${rounds} builds`);
  return figures;
}

async function makeRepository(path: string, registry: string): Promise<string> {
  await mkdir(path);
  await writeFile(join(path, "Dockerfile"), DOCKERFILE);
  await writeFile(join(path, "app.txt"), "first");
  await writeFile(join(path, "belay.yaml"), config(registry));
  for (const words of [
    ["init", "--quiet"],
    ["add", "."],
    ["commit", "--quiet", "--message", "first"],
  ]) {
    await execute("git", [...GIT, ...words], { cwd: path });
  }
  return path;
}
