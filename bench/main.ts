/**
 * The figures that Belay promises, beside what people use today. `npm run bench [group …]`; the groups are below.
 * Ends with exit code 1 when a figure misses its limit. Writes `out/bench.json`.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { builds } from "./builds.ts";
import { COMPOSE } from "./engines/compose-engine.ts";
import { composeReplicaFigures } from "./engines/compose-replicas.ts";
import { KUBERNETES } from "./engines/kubernetes-engine.ts";
import { kubernetesLostRequests } from "./engines/kubernetes-lost-requests.ts";
import { otherNodeFigures } from "./engines/other-node.ts";
import { requestFigures } from "./engines/request-figures.ts";
import { rolloutFigures } from "./engines/rollout-figures.ts";
import { SWARM } from "./engines/swarm-engine.ts";
import { swarmLostRequests } from "./engines/swarm-lost-requests.ts";
import { judge } from "./judge.ts";
import { describeFigure, type Figure, reached } from "./measure.ts";
import { push } from "./push.ts";
import { rollouts } from "./rollouts.ts";
import { scan } from "./scan.ts";
import { simulated } from "./simulated.ts";
import { sizes } from "./sizes.ts";
import { startUp } from "./start-up.ts";
import { waiting } from "./waiting.ts";

/** Medians of so many. */
const TIMES = Number(process.env.BELAY_BENCH_TIMES ?? 5);

const GROUPS: Readonly<Record<string, () => Promise<Figure[]>>> = {
  sizes,
  "start-up": startUp,
  judge,
  simulated,
  waiting,
  scan,
  rollouts,
  push: () => push(TIMES),
  build: () => builds(TIMES),
  compose: () => rolloutFigures(COMPOSE, TIMES),
  "compose-requests": async () => [...(await composeReplicaFigures()), ...(await requestFigures(COMPOSE))],
  swarm: () => rolloutFigures(SWARM, TIMES),
  "swarm-lost": swarmLostRequests,
  "swarm-nodes": () => otherNodeFigures(TIMES),
  "swarm-requests": () => requestFigures(SWARM),
  kubernetes: () => rolloutFigures(KUBERNETES, TIMES),
  "kubernetes-lost": kubernetesLostRequests,
  "kubernetes-requests": () => requestFigures(KUBERNETES),
};

const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !Object.hasOwn(GROUPS, name));
if (unknown !== undefined) throw new Error(`no group ${JSON.stringify(unknown)}: ${Object.keys(GROUPS).join(", ")}`);

const all: Record<string, Figure[]> = {};
for (const [name, measure] of Object.entries(GROUPS)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  console.log(`\n${name}`);
  const figures = await measure();
  for (const figure of figures) console.log(`  ${describeFigure(figure)}`);
  all[name] = figures;
}
const out = resolve(import.meta.dirname, "../out");
await mkdir(out, { recursive: true });
await writeFile(join(out, "bench.json"), `${JSON.stringify(all, null, 2)}\n`);
if (!Object.values(all).flat().every(reached)) process.exitCode = 1;
