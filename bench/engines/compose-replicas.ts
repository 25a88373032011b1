import type { AttachedEngine } from "@belay/testkit";
import { openComposeStand } from "../../test/contract/compose-stand.ts";
import type { ApplicationStand } from "../../test/contract/stand.ts";
import type { Figure } from "../measure.ts";
import { COMPOSE } from "./compose-engine.ts";
import { type CountingDoor, openCountingDoor, type Passed } from "./counting-door.ts";
import { deployTo } from "./deploy-once.ts";

const FEW = 3;
const MANY = 30;
/** A longer deployment has a few more looks and signs of life in it. */
const MOST_MORE = 1.5;
const PATIENCE_MS = 240_000;

/** What both ask the engine for one release over another one: the compose plugin that Belay runs is counted with it. */
interface Asked {
  readonly belay: Passed;
  readonly compose: Passed;
}

/** The snapshot for the way back, and what each container has been through before, take one look at each old container. */
const SNAPSHOT = 1;
/** The compose plugin looks once at each container that it has made, whoever runs it. */
const PLUGIN = 1;

/**
 * What one more replica costs in requests, beside `docker compose up`, each counted at the engine's socket. A container has
 * to be made, started, ended and removed by somebody: no engine has one request for thirty of them. So that is the floor,
 * and what Belay adds to what Compose itself asks is one look at each old container; all other looks must not grow.
 */
export async function composeReplicaFigures(): Promise<Figure[]> {
  let door: CountingDoor | undefined;
  const stand = await openComposeStand(async (engine) => {
    door = await openCountingDoor(engine.host.slice("unix://".length));
    return throughDoor(engine, door);
  });
  if (door === undefined) throw new Error("the stand has opened no engine");
  await using counted = door;
  try {
    const few = await asked(await steady(await stand.application("bench-few"), FEW), counted);
    const many = await asked(await steady(await stand.application("bench-many"), MANY), counted);
    return figuresOf(few, many);
  } finally {
    await stand.stop();
  }
}

/** What the stand does by hand goes to the engine itself, uncounted. */
function throughDoor(engine: AttachedEngine, { host }: CountingDoor): AttachedEngine {
  const stop = (): Promise<void> => engine.stop();
  return {
    host,
    env: { ...engine.env, DOCKER_HOST: host },
    docker: (args, options) => engine.docker(args, options),
    ...{ stop, [Symbol.asyncDispose]: stop },
  };
}

async function steady(app: ApplicationStand, replicas: number): Promise<ApplicationStand> {
  await app.define({ web: { replicas } });
  await app.hand.up({ web: "unchecked1" });
  return app;
}

async function asked(app: ApplicationStand, door: CountingDoor): Promise<Asked> {
  const policy = { deadlineMs: PATIENCE_MS, startMs: PATIENCE_MS };
  door.passed();
  await deployTo("succeeded", app, { web: "unchecked2" }, policy);
  const belay = door.passed();
  const { exitCode } = await app.hand.attempt("web", "unchecked3", PATIENCE_MS);
  if (exitCode !== 0) throw new Error(`docker compose up ended with ${exitCode}`);
  const compose = door.passed();
  await app.remove();
  return { belay, compose };
}

function figuresOf(few: Asked, many: Asked): Figure[] {
  const figures: Figure[] = [];
  for (const [replicas, { belay, compose }] of [
    [FEW, few],
    [MANY, many],
  ] as const) {
    const what = `Compose: all requests, the plugin's too, 1 service × ${replicas} replicas`;
    const today = { tool: COMPOSE.tool, value: compose.requests };
    figures.push({ what, value: belay.requests, unit: "requests", today });
  }
  const each = (kind: keyof Passed, side: keyof Asked): number => (many[side][kind] - few[side][kind]) / (MANY - FEW);
  for (const [kind, more] of [
    ["changes", 0],
    ["requests", SNAPSHOT],
  ] as const) {
    const floor = each(kind, "compose");
    const what = `Compose: ${kind} for each further replica`;
    const today = { tool: COMPOSE.tool, value: floor };
    figures.push({ what, value: each(kind, "belay"), unit: "requests", limit: floor + more, today });
  }
  const rest = ({ belay }: Asked, replicas: number): number => belay.looks - replicas * (SNAPSHOT + PLUGIN);
  const what = `Compose: all looks but one at each old and new container, × ${MANY} replicas`;
  figures.push({ what, value: rest(many, MANY), unit: "requests", limit: rest(few, FEW) * MOST_MORE });
  return figures;
}
