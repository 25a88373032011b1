import type { Attempt } from "../../test/contract/attempt.ts";
import type { ApplicationStand, EngineStand } from "../../test/contract/stand.ts";
import type { VariantName } from "../../test/contract/variants.ts";
import { type Figure, median } from "../measure.ts";
import type { BenchEngine } from "./bench-engine.ts";
import { deployTo } from "./deploy-once.ts";
import { DeployProgram } from "./deploy-program.ts";
import { stopFirstFigures } from "./stop-first-figures.ts";

const REPLICAS = 3;
/** Longer than any tool needs that decides by itself. */
const PATIENCE_MS = 30_000;
/** A tool that takes so many seconds is compared with three times: its median is no nearer to anything after five. */
const SLOW = { seconds: 10, times: 3 } as const;
/** How long Belay watches in the measurement of what watching costs. */
const WATCH_MS = 20_000;

/**
 * The rollouts of one engine beside its own command line, both on the same application in the same minutes, and both whole
 * programs, timed from their start to their end.
 */
export async function rolloutFigures(engine: BenchEngine, times: number): Promise<Figure[]> {
  const stand = await engine.open();
  try {
    return await measureAll(engine, stand, times);
  } finally {
    await stand.stop();
  }
}

async function measureAll(engine: BenchEngine, stand: EngineStand, times: number): Promise<Figure[]> {
  const { title, tool, limits } = engine;
  const [app, plain] = [await steadyApplication(stand, "belay"), await steadyApplication(stand, "plain")];
  await using belay = await DeployProgram.open(app);
  const bad = (variant: VariantName, outcome: string) => badReleases(belay, plain, { variant, outcome, times });
  const figures: Figure[] = [];
  const note = (what: string, value: number, limit: number | undefined, today?: Attempt): void => {
    const shown = today && { tool: describePlain(tool, today), value: today.seconds };
    figures.push({
      what: `${title}: ${what}`,
      value,
      unit: "s",
      ...(limit === undefined ? {} : { limit }),
      ...(shown && { today: shown }),
    });
  };
  const [missing, missingPlain] = await bad("missing", "refused");
  note("image that the registry lacks → refused", missing, limits.missing, missingPlain);
  const [crash, crashPlain] = await bad("crash", "rolled_back");
  const crashFloor = await (engine.crashFloor?.(plain) ?? engine.floor?.(plain, "crash", true));
  if (crashFloor !== undefined) note("crash at start, the engine's own time", crashFloor, undefined);
  note("crash at start → old release proven", crash, limits.crash, crashPlain);
  const [sick, sickPlain] = await bad("sick", "rolled_back");
  note("unhealthy → old release proven", sick, limits.sick, sickPlain);
  const good = await goodReleases(engine, belay, plain, times);
  if (good.floor !== undefined) note("good release, the engine's own time", good.floor, undefined);
  note("good release → proven", good.belay, good.limit, good.plain);
  note("of that, before the plan and after the proof", good.around, undefined);
  figures.push(...(await stopFirstFigures(engine, stand, times)));
  figures.push(await watching(title, app));
  return figures;
}

/** Three replicas of the first release, brought up by hand. */
async function steadyApplication(stand: EngineStand, name: string): Promise<ApplicationStand> {
  const app = await stand.application(`bench-${name}`);
  await app.define({ web: { replicas: REPLICAS } });
  await app.hand.up({ web: "steady1" });
  return app;
}

interface BadRelease {
  readonly variant: VariantName;
  readonly outcome: string;
  readonly times: number;
}

/** In turns. */
async function badReleases(
  belay: DeployProgram,
  plain: ApplicationStand,
  { variant, outcome, times }: BadRelease,
): Promise<[number, Attempt]> {
  const [own, others]: [number[], Attempt[]] = [[], []];
  for (let count = 0; count < times; count++) {
    own.push((await belay.deployTo(outcome, { web: variant })).seconds);
    if (!isKnown(others)) others.push(await plainOver(plain, variant));
  }
  return [median(own), middleOf(others)];
}

/** A tool that we had to end is no faster the next time. */
function isKnown(attempts: readonly Attempt[]): boolean {
  if (attempts.at(-1)?.gaveUp) return true;
  return attempts.length >= SLOW.times && attempts.every(({ seconds }) => seconds > SLOW.seconds);
}

/** The one whose time is the median, or the next one above it. */
function middleOf(attempts: readonly Attempt[]): Attempt {
  const middle = median(attempts.map(({ seconds }) => seconds));
  const above = attempts.filter(({ seconds }) => seconds >= middle).sort((a, b) => a.seconds - b.seconds);
  const [found] = above;
  if (found === undefined) throw new Error("nothing was measured");
  return found;
}

/** The tool once, and the first release again after it, whatever it left. */
async function plainOver(app: ApplicationStand, variant: VariantName): Promise<Attempt> {
  const update = await app.hand.attempt("web", variant, PATIENCE_MS);
  await app.hand.up({ web: "steady1" });
  return update;
}

interface GoodReleases {
  readonly belay: number;
  /** What of it the report does not count: the start of the program, and its end. */
  readonly around: number;
  readonly plain: Attempt;
  readonly floor: number | undefined;
  readonly limit: number | undefined;
}

/** All in turns, so that what else the machine does hits them alike. */
async function goodReleases(
  engine: BenchEngine,
  belay: DeployProgram,
  plain: ApplicationStand,
  times: number,
): Promise<GoodReleases> {
  const [own, around, others, floors]: [number[], number[], Attempt[], number[]] = [[], [], [], []];
  for (let count = 0; count < times; count++) {
    const { seconds, reported } = await belay.deployTo("succeeded", { web: `steady${count + 2}` });
    own.push(seconds);
    around.push(seconds - reported);
    others.push(await plain.hand.attempt("web", `steady${2 * count + 2}`, PATIENCE_MS));
    if (engine.floor !== undefined) floors.push(await engine.floor(plain, `steady${2 * count + 3}`, false));
  }
  const sample = middleOf(others);
  const floor = engine.floor === undefined ? undefined : median(floors);
  const limit = engine.goodLimit?.(floor ?? sample.seconds);
  return { belay: median(own), around: median(around), plain: sample, floor, limit };
}

/** Processor time while everything is right and Belay waits for the stable window to pass. */
async function watching(title: string, app: ApplicationStand): Promise<Figure> {
  // The first one loads what it needs, which is no waiting.
  await deployTo("succeeded", app, { web: "steady89" });
  const short = await deployTo("succeeded", app, { web: "steady90" });
  const long = await deployTo("succeeded", app, { web: "steady91" }, { stableMs: WATCH_MS });
  const share = (long.cpuSeconds - short.cpuSeconds) / (long.seconds - short.seconds);
  return { what: `${title}: Belay's own share of a core while it waits`, value: share * 100, unit: "%", limit: 3 };
}

function describePlain(tool: string, { exitCode, gaveUp }: Attempt): string {
  return gaveUp ? `${tool}, ended by us` : `${tool}, exit code ${exitCode}`;
}
