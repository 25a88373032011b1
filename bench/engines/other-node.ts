import { pinnedReference } from "@belay/core";
import type { RolloutEvent } from "@belay/rollout";
import { type SwarmNodes, startRegistry, startSwarmNodes } from "@belay/testkit";
import { openCatalogue } from "../../test/contract/images.ts";
import type { VariantName } from "../../test/contract/variants.ts";
import { NodesApplication } from "../../test/engines/nodes-application.ts";
import { type Figure, median } from "../measure.ts";
import { deployTo } from "./deploy-once.ts";
import { FirstSign } from "./first-sign.ts";

const REPLICAS = 3;
const TITLE = "Swarm, another node";
/** After the engine's own signal, in seconds: nothing tells of what happens on another node but its manager's list. */
const LIMIT = 1;
const CASES: readonly (readonly [what: string, variant: VariantName])[] = [
  ["crash at start", "crash"],
  ["unhealthy", "sick"],
];
/** What the engine is told to do when a task fails: `pause`, its default, it tells by an event; `continue` by nothing at all. */
const ACTIONS = ["pause", "continue"] as const;

/** Seconds. */
interface OffAgain {
  /** From the call to the first sign that the manager shows. */
  readonly shown: number;
  /** From there to the judge's verdict, and to the proof that the old release is what runs. */
  readonly judged: number;
  readonly proven: number;
}

/** Bad releases on a swarm of three nodes whose tasks are all on others than the one that is talked to. */
export async function otherNodeFigures(times: number): Promise<Figure[]> {
  await using nodes = await startSwarmNodes();
  await using registry = await startRegistry({ host: nodes.hostAddress });
  const images = await openCatalogue(registry);
  const figures: Figure[] = [];
  for (const failure_action of ACTIONS) {
    const app = await NodesApplication.create(nodes, images, `bench-${failure_action}`);
    const placement = { constraints: ["node.role == worker"] };
    await app.write({ web: { replicas: REPLICAS, placement, update_config: { failure_action } } });
    await deployTo("succeeded", app, { web: "steady1" });
    for (const [what, variant] of CASES) {
      const seen: OffAgain[] = [];
      for (let count = 0; count < times; count++) seen.push(await offAgain(nodes, app, variant));
      figures.push(...figuresOf(`${TITLE}, on failure ${failure_action}: ${what}`, seen));
    }
    await app.remove();
  }
  return figures;
}

function figuresOf(title: string, seen: readonly OffAgain[]): Figure[] {
  const value = (of: keyof OffAgain): number => median(seen.map((one) => one[of]));
  return [
    { what: `${title}, until the manager shows it`, value: value("shown"), unit: "s" },
    { what: `${title}, shown → verdict`, value: value("judged"), unit: "s" },
    { what: `${title}, shown → old release proven`, value: value("proven"), unit: "s", limit: LIMIT },
  ];
}

async function offAgain(nodes: SwarmNodes, app: NodesApplication, variant: VariantName): Promise<OffAgain> {
  const image = pinnedReference(await app.identity(variant)) ?? "";
  const over = new AbortController();
  const first = await FirstSign.open(nodes.manager.engine.host.slice("unix://".length));
  const began = performance.now();
  const sign = first.of(image, over.signal);
  sign.catch(() => undefined);
  let judgedAt = Number.NaN;
  const onEvent = (event: RolloutEvent): void => {
    const isVerdict = event.kind === "observed" && event.direction === "forward" && event.verdict.kind === "failed";
    if (isVerdict && Number.isNaN(judgedAt)) judgedAt = performance.now();
  };
  try {
    await deployTo("rolled_back", app, { web: variant }, {}, onEvent);
    const provenAt = performance.now();
    const shownAt = await sign;
    const between = (from: number, to: number): number => (to - from) / 1_000;
    return {
      shown: between(began, shownAt),
      judged: between(shownAt, judgedAt),
      proven: between(shownAt, provenAt),
    };
  } finally {
    over.abort();
  }
}
