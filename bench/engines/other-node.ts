import { pinnedReference } from "@belay/core";
import type { RolloutEvent } from "@belay/rollout";
import { type SwarmNodes, startRegistry, startSwarmNodes } from "@belay/testkit";
import { openCatalogue } from "../../test/contract/images.ts";
import type { VariantName } from "../../test/contract/variants.ts";
import { NodesApplication } from "../../test/engines/nodes-application.ts";
import { type Figure, median } from "../measure.ts";
import { deployTo } from "./deploy-once.ts";
import { FirstSign } from "./first-sign.ts";

/** After the engine's own signal, in seconds: nothing tells of what happens on another node but its manager's list. */
const LIMIT = 1;
/** Longer than `sickens` stays healthy. */
const STABLE_MS = 20_000;

interface Setting {
  readonly title: string;
  readonly replicas: number;
  /** What the engine does when a task fails: `pause`, its default, it tells by an event; `continue` by nothing at all. */
  readonly failureAction: "pause" | "continue";
  readonly variants: readonly (readonly [what: string, variant: VariantName])[];
  /**
   * The old release is still there while the new one comes up: then it has to be proven within {@link LIMIT}. Later it has to
   * start again and to stand its own stable window, which is the engine's time and the user's: then it is the verdict.
   */
  readonly until: "judged" | "proven";
}

const START = [
  ["crash at start", "crash"],
  ["unhealthy", "sick"],
] as const;

const SETTINGS: readonly Setting[] = [
  { title: "pauses", replicas: 3, failureAction: "pause", variants: START, until: "proven" },
  { title: "goes on", replicas: 3, failureAction: "continue", variants: START, until: "proven" },
  {
    ...{ title: "is done", replicas: 1, failureAction: "continue", until: "judged" },
    variants: [["unhealthy after 6 s", "sickens"]],
  },
];

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
  for (const setting of SETTINGS) {
    const { title, replicas, failureAction, variants } = setting;
    const app = await NodesApplication.create(nodes, images, `bench-${title.replaceAll(" ", "-")}`);
    const placement = { constraints: ["node.role == worker"] };
    await app.write({ web: { replicas, placement, update_config: { failure_action: failureAction } } });
    await deployTo("succeeded", app, { web: "steady1" });
    for (const [what, variant] of variants) {
      const seen: OffAgain[] = [];
      for (let count = 0; count < times; count++) seen.push(await offAgain(nodes, app, variant));
      figures.push(...figuresOf(`Swarm, another node, update ${title}: ${what}`, setting, seen));
    }
    await app.remove();
  }
  return figures;
}

function figuresOf(title: string, { until }: Setting, seen: readonly OffAgain[]): Figure[] {
  const figure = (said: string, of: keyof OffAgain, limit?: number): Figure => ({
    ...{ what: `${title}, ${said}`, value: median(seen.map((one) => one[of])), unit: "s" as const },
    ...(limit === undefined ? {} : { limit }),
  });
  return [
    figure("until the manager shows it", "shown"),
    figure("shown → verdict", "judged", LIMIT),
    ...(until === "proven" ? [figure("shown → old release proven", "proven", LIMIT)] : []),
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
    const policy = variant === "sickens" ? { stableMs: STABLE_MS } : {};
    await deployTo("rolled_back", app, { web: variant }, policy, onEvent);
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
