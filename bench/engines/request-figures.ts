import type { Definitions, EngineStand, Variants } from "../../test/contract/stand.ts";
import type { Figure } from "../measure.ts";
import type { BenchEngine } from "./bench-engine.ts";
import { countRequests, type RequestCounts } from "./count-requests.ts";
import { deployTo } from "./deploy-once.ts";

const FEW_REPLICAS = 3;
const MANY_REPLICAS = 30;
const MANY_SERVICES = 50;
/** Stable windows of the two runs whose difference shows what waiting costs. */
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

interface All {
  readonly few: RequestCounts;
  readonly many: RequestCounts;
  readonly wide: RequestCounts;
  readonly narrow: RequestCounts;
  readonly long: RequestCounts;
}

function figuresOf({ title, flatInReplicas }: BenchEngine, { few, many, wide, narrow, long }: All): Figure[] {
  const each = wide.requests / MANY_SERVICES;
  const perMinute = ((long.requests - few.requests) / WAIT_MS) * 60_000;
  const streams = Math.max(many.streams, wide.streams, narrow.streams, long.streams);
  const flat = flatInReplicas ? { limit: few.requests * 1.5 } : {};
  return [
    { what: `${title}: requests, 1 service × ${FEW_REPLICAS} replicas`, value: few.requests, unit: "requests" },
    {
      what: `${title}: requests, 1 service × ${MANY_REPLICAS} replicas`,
      value: many.requests,
      unit: "requests",
      ...flat,
    },
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
async function counted(
  stand: EngineStand,
  name: string,
  definitions: Definitions,
  stableMs = 0,
): Promise<RequestCounts> {
  const app = await stand.application(`bench-${name}`);
  const all = (variant: "unchecked1" | "unchecked2"): Variants =>
    Object.fromEntries(Object.keys(definitions).map((service) => [service, variant]));
  await app.define(definitions);
  await app.hand.up(all("unchecked1"));
  const policy = { stableMs, deadlineMs: 300_000, startMs: 240_000 };
  const [, counts] = await countRequests(() => deployTo("succeeded", app, all("unchecked2"), policy));
  await app.remove();
  return counts;
}
