import type { Definitions, EngineStand, Variants } from "../../test/contract/stand.ts";
import type { Figure } from "../measure.ts";
import type { BenchEngine } from "./bench-engine.ts";
import { countRequests, type RequestCounts } from "./count-requests.ts";
import { deployTo } from "./deploy-once.ts";

const FEW_REPLICAS = 3;
const MANY_REPLICAS = 30;
const MANY_SERVICES = 50;
/** A longer deployment has a few more looks and signs of life in it. */
const MOST_MORE = 1.5;
/** Stable window of the run whose difference to one without shows what waiting costs. */
const WAIT_MS = 20_000;
/** Streams tell what changes. A stream may have lost something, so the target is listed now and then, ever more seldom. */
const WAITING_PER_MINUTE = 60;

/** How many requests a deployment sends to the engine as an application grows, and how many streams it keeps open. */
export async function requestFigures(engine: BenchEngine): Promise<Figure[]> {
  const stand = await engine.open();
  try {
    const few = await counted(stand, "few", services(1, FEW_REPLICAS));
    const many = await counted(stand, "many", services(1, MANY_REPLICAS));
    const wide = await counted(stand, "wide", services(MANY_SERVICES, 1));
    const narrow = await counted(stand, "narrow", services(1, 1));
    const long = await counted(stand, "long", services(1, FEW_REPLICAS), WAIT_MS);
    return figuresOf(engine, { few, many, wide, narrow, long });
  } finally {
    await stand.stop();
  }
}

interface Counted extends RequestCounts {
  /** Of the deployment, which may wait for the stable window more than once. */
  readonly seconds: number;
}

interface All {
  readonly few: Counted;
  readonly many: Counted;
  readonly wide: Counted;
  readonly narrow: Counted;
  readonly long: Counted;
}

function figuresOf({ title, workPerReplica }: BenchEngine, { few, many, wide, narrow, long }: All): Figure[] {
  const each = wide.requests / MANY_SERVICES;
  const perMinute = ((long.requests - few.requests) / (long.seconds - few.seconds)) * 60;
  const streams = Math.max(many.streams, wide.streams, narrow.streams, long.streams);
  const { requests: work, what } = workPerReplica ?? { requests: 0, what: "" };
  const rest = many.requests - work * (MANY_REPLICAS - FEW_REPLICAS);
  const limit = few.requests * MOST_MORE;
  const replicas = `${title}: requests, 1 service × ${MANY_REPLICAS} replicas`;
  return [
    { what: `${title}: requests, 1 service × ${FEW_REPLICAS} replicas`, value: few.requests, unit: "requests" },
    { what: replicas, value: many.requests, unit: "requests", ...(work === 0 && { limit }) },
    ...(work === 0
      ? []
      : [{ what: `${replicas}, but ${what} for each`, value: rest, unit: "requests", limit } as const]),
    { what: `${title}: requests, 1 service × 1 replica`, value: narrow.requests, unit: "requests" },
    {
      what: `${title}: requests per service, ${MANY_SERVICES} services × 1 replica`,
      value: each,
      unit: "requests",
      limit: narrow.requests,
    },
    { what: `${title}: streams open at once, at most`, value: streams, unit: "streams", limit: long.streams },
    {
      what: `${title}: requests per minute of waiting`,
      value: perMinute,
      unit: "requests",
      limit: WAITING_PER_MINUTE,
    },
  ];
}

function services(count: number, replicas: number): Definitions {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`web${index}`, { replicas }]));
}

/** A good release over a running one. Without health checks, whose own processes would take all of a small machine. */
async function counted(stand: EngineStand, name: string, definitions: Definitions, stableMs = 0): Promise<Counted> {
  const app = await stand.application(`bench-${name}`);
  const all = (variant: "unchecked1" | "unchecked2"): Variants =>
    Object.fromEntries(Object.keys(definitions).map((service) => [service, variant]));
  await app.define(definitions);
  await app.hand.up(all("unchecked1"));
  const policy = { stableMs, deadlineMs: 300_000, startMs: 240_000 };
  const [{ seconds }, counts] = await countRequests(() => deployTo("succeeded", app, all("unchecked2"), policy));
  await app.remove();
  return { ...counts, seconds };
}
