import type { Condition, ContainerState, Instance, Observation, ObservedService, ProbeReading } from "@belay/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { container, instance, observed, probe, service } from "../testing/observations.ts";
import { takeBaseline } from "./baseline.ts";
import { judge, type Seen } from "./judge.ts";
import { interrupt, openJudgement, step } from "./judgement.ts";
import type { JudgeTerms } from "./verdict.ts";

const anyContainer: fc.Arbitrary<ContainerState> = fc
  .record({
    role: fc.constantFrom("main", "init", "sidecar"),
    state: fc.constantFrom("waiting", "running", "running", "running", "restarting", "exited"),
    reason: fc.constantFrom("", "CrashLoopBackOff", "ImagePullBackOff"),
    restarts: fc.nat({ max: 3 }),
    health: fc.constantFrom("none", "starting", "healthy", "unhealthy"),
    lastExit: fc.option(
      fc.record(
        {
          code: fc.nat({ max: 2 }),
          oomKilled: fc.boolean(),
          at: fc.nat({ max: 9_000 }),
          killedBy: fc.constantFrom("startup probe", "liveness probe"),
        },
        { requiredKeys: ["code", "oomKilled", "at"] },
      ),
      { nil: undefined },
    ),
  })
  .map(({ reason, lastExit, ...rest }) => ({
    ...container(rest),
    ...(reason === "" ? {} : { reason }),
    ...(lastExit === undefined ? {} : { lastExit }),
  }));

const anyInstance: fc.Arbitrary<Instance> = fc
  .record({
    id: fc.constantFrom("a", "b", "c", "d", "e"),
    slot: fc.constantFrom("1", "2"),
    revision: fc.constantFrom("new", "new", "old"),
    phase: fc.constantFrom("current", "current", "draining", "history"),
    ready: fc.boolean(),
    createdAt: fc.nat({ max: 9_000 }),
    containers: fc.oneof(
      fc.array(anyContainer, { minLength: 1, maxLength: 1 }),
      // A pod: what initialises, what serves, what stands by.
      fc.tuple(anyContainer, anyContainer, anyContainer).map(podOf),
    ),
    endedBy: fc.constantFrom(undefined, "self", "engine", "node"),
  })
  .map(({ id, endedBy, ...rest }) => instance(id, endedBy === undefined ? rest : { ...rest, endedBy }));

function podOf([init, main, sidecar]: [ContainerState, ContainerState, ContainerState]): ContainerState[] {
  return [
    { ...init, name: "init", role: "init" },
    { ...main, name: "main", role: "main" },
    { ...sidecar, name: "proxy", role: "sidecar" },
  ];
}

/** Conditions may come without any instance. */
const anyCondition = fc
  .constantFrom("quota", "unschedulable", "engine_paused", "image_unavailable")
  .chain((type) => fc.boolean().map((mayPass): Condition => ({ type, message: "in the engine's words", mayPass })));

const anyService = (name: string): fc.Arbitrary<ObservedService> =>
  fc
    .record({
      instances: fc.uniqueArray(anyInstance, { maxLength: 4, selector: (one) => one.id }),
      desired: fc.nat({ max: 2 }),
      goal: fc.constantFrom("run", "run", "complete"),
      conditions: fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, fc.array(anyCondition, { maxLength: 1 })),
    })
    .map(({ instances, ...rest }) => service(instances, { name, ...rest }));

/** What a probe shows, of the service as a whole or of one of its instances. */
const anyAnswer = fc.record({
  whole: fc.boolean(),
  state: fc.constantFrom<ProbeReading["state"]>("waiting", "passing", "passing", "failing"),
});

const mostlyNone = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant<T[]>([]) }, fc.array(one, { minLength: 1, maxLength: 1 }));

const anyObservation: fc.Arbitrary<Observation> = fc
  .record({ web: anyService("web"), more: mostlyNone(anyService("api")), answers: mostlyNone(anyAnswer) })
  .map(({ web, more, answers }) => {
    const probes = answers.map(({ whole, state }) => {
      const asked = web.instances.find((one) => one.phase === "current" && one.revision === "new");
      return probe(state, whole || asked === undefined ? {} : { instance: asked.id });
    });
    return { at: 5_000, services: [web, ...more], probes };
  });

const anySeen: fc.Arbitrary<Seen[]> = fc
  .array(fc.record({ pause: fc.nat({ max: 9_000 }), observation: anyObservation }), { minLength: 1, maxLength: 6 })
  .map((list) =>
    list.map(({ observation }, index) => {
      const at = list.slice(0, index + 1).reduce((sum, one) => sum + one.pause, 0);
      return { at, observation };
    }),
  );

const DONE: Partial<ContainerState> = { state: "exited", lastExit: { code: 0, oomKilled: false, at: 9_000 } };

function calmed(one: Seen): Seen {
  const services = one.observation.services.map((service) => ({
    ...service,
    conditions: [],
    instances: service.instances.map((i) => ({
      ...i,
      ready: true,
      containers: i.containers.map(({ name, role, restarts }) =>
        container({ name, role, restarts, ...(service.goal === "complete" ? DONE : {}) }),
      ),
    })),
  }));
  const probes = one.observation.probes.filter(({ state }) => state !== "failing");
  return { ...one, observation: { ...one.observation, services, probes } };
}

const anyTerms: fc.Arbitrary<JudgeTerms> = fc
  .record({
    policy: fc.record({
      startMs: fc.constantFrom(1_000, 20_000),
      stableMs: fc.constantFrom(0, 5_000),
      crashes: fc.constantFrom(1, 2, 3),
    }),
    expect: fc.constantFrom("ready", "alone"),
    stable: fc.boolean(),
    changesFollow: fc.boolean(),
    isLast: fc.boolean(),
    services: fc.constantFrom(undefined, ["web"], ["web", "api"]),
  })
  .map(({ services, ...terms }) => (services === undefined ? terms : { ...terms, services }));

/** The judge says `converged` rarely of random observations, so half of the cases begin with nothing wrong. */
const anyCase = fc
  .record({ terms: anyTerms, before: anyObservation, seen: anySeen, calm: fc.boolean() })
  .map(({ seen, calm, ...rest }) => ({ ...rest, seen: calm ? seen.map(calmed) : seen }));
const RUNS = { numRuns: Number(process.env.BELAY_RUNS ?? 3_000) };

function verdictOf(one: { terms: JudgeTerms; before: Observation; seen: readonly Seen[] }) {
  return judge(one.terms, takeBaseline(one.before), one.seen, Number.POSITIVE_INFINITY);
}

function expectRight(shown: ObservedService, terms: JudgeTerms, probes: readonly ProbeReading[]): void {
  const current = shown.instances.filter((i) => i.phase === "current");
  const wanted = current.filter((i) => i.revision === "new");
  if (terms.expect === "alone") expect(current.filter((i) => i.revision !== "new")).toEqual([]);
  const asked = probes.filter((one) => one.service === shown.name && wanted.some(({ id }) => id === one.instance));
  expect(asked.filter(({ state }) => state !== "passing")).toEqual([]);
  if (shown.goal === "complete") {
    const done = shown.instances.filter((i) => i.revision === "new" && i.containers.every(isDone));
    expect(done.length).toBeGreaterThanOrEqual(shown.desired);
    return;
  }
  expect(wanted.every((i) => i.ready && i.containers.every((c) => c.health !== "unhealthy"))).toBe(true);
  expect(wanted.length).toBeGreaterThanOrEqual(shown.desired);
}

/** What serves has ended well; what stands by may still run. */
function isDone({ role, state, lastExit }: ContainerState): boolean {
  return role !== "main" || (state === "exited" && lastExit?.code === 0);
}

describe("whatever is seen", () => {
  it("is never called converged while one is missing, not ready, or another revision serves", () => {
    fc.assert(
      fc.property(anyCase, (one) => {
        if (verdictOf(one).kind !== "converged") return;
        const last = one.seen.at(-1)?.observation;
        const judged = last?.services.filter(({ name }) => one.terms.services?.includes(name) ?? true) ?? [];
        for (const shown of judged) expectRight(shown, one.terms, last?.probes ?? []);
      }),
      RUNS,
    );
  });

  it("stays failed once it has failed", () => {
    fc.assert(
      fc.property(anyCase, anySeen, (one, more) => {
        const verdict = verdictOf(one);
        if (verdict.kind !== "failed") return;
        const end = one.seen.at(-1)?.at ?? 0;
        const later = more.map(({ at, observation }) => ({ at: end + at, observation }));
        expect(verdictOf({ ...one, seen: [...one.seen, ...later] })).toEqual(verdict);
      }),
      RUNS,
    );
  });

  it("a healthy instance more never turns converged into failed", () => {
    fc.assert(
      fc.property(anyCase, fc.constantFrom("new", "old"), (one, revision) => {
        if (verdictOf(one).kind !== "converged") return;
        const last = one.seen.at(-1);
        const more = instance("healthy", { slot: "9", revision });
        const web = last?.observation.services[0];
        if (last === undefined || web === undefined) return;
        const [, ...others] = last.observation.services;
        const services = [{ ...web, instances: [...web.instances, more] }, ...others];
        const seen = [...one.seen.slice(0, -1), { ...last, observation: { ...last.observation, services } }];
        expect(verdictOf({ ...one, seen }).kind).not.toBe("failed");
      }),
      RUNS,
    );
  });
});

describe("whatever else is shown", () => {
  it("dead instances of earlier attempts change nothing", () => {
    const dead = { phase: "history", slot: "1", ready: false } as const;
    const corpses = [
      instance("x", {
        ...dead,
        containers: [container({ state: "exited", lastExit: { code: 1, oomKilled: true, at: 1 } })],
      }),
      instance("y", { ...dead, containers: [container({ state: "dead", health: "unhealthy", restarts: 9 })] }),
    ];
    const add = (observation: Observation): Observation => ({
      ...observation,
      services: observation.services.map((one) => ({ ...one, instances: [...one.instances, ...corpses] })),
    });
    fc.assert(
      fc.property(anyCase, (one) => {
        const seen = one.seen.map(({ at, observation }) => ({ at, observation: add(observation) }));
        expect(verdictOf({ ...one, before: add(one.before), seen })).toEqual(verdictOf(one));
      }),
      RUNS,
    );
  });

  it("an engine's clock that is off, by as much as ten minutes, changes nothing", () => {
    const shift = (observation: Observation, by: number): Observation => ({
      ...observation,
      at: observation.at + by,
      services: observation.services.map((one) => ({
        ...one,
        instances: one.instances.map((i) => ({
          ...i,
          createdAt: i.createdAt + by,
          containers: i.containers.map((c) => {
            const at = c.lastExit?.at;
            return c.lastExit === undefined || at === undefined
              ? c
              : { ...c, lastExit: { ...c.lastExit, at: at + by } };
          }),
        })),
      })),
    });
    fc.assert(
      fc.property(anyCase, fc.integer({ min: -600_000, max: 600_000 }), (one, by) => {
        const seen = one.seen.map(({ at, observation }) => ({ at, observation: shift(observation, by) }));
        expect(verdictOf({ ...one, before: shift(one.before, by), seen })).toEqual(verdictOf(one));
      }),
      RUNS,
    );
  });
});

describe("however it is measured", () => {
  it("another origin of the runner's clock changes nothing", () => {
    fc.assert(
      fc.property(anyCase, fc.integer({ min: -600_000, max: 600_000 }), (one, by) => {
        const seen = one.seen.map(({ at, observation }) => ({ at: at + by, observation }));
        expect(verdictOf({ ...one, seen })).toEqual(verdictOf(one));
      }),
      RUNS,
    );
  });

  it("what stands still is judged as if it were looked into each time", () => {
    const looks = (one: { terms: JudgeTerms; before: Observation; seen: readonly Seen[] }, anew: boolean) => {
      let judgement = openJudgement(takeBaseline(one.before));
      // Each one twice: a look that shows nothing new takes the short way.
      const twice = one.seen.flatMap(({ at, observation }) =>
        [1, 2].map((half) => ({ at: 2 * at + half, observation })),
      );
      return twice.map(({ at, observation }) => {
        const copy = structuredClone(observation);
        // Other terms, though they say the same, are the long way.
        judgement = step(anew ? structuredClone(one.terms) : one.terms, judgement, copy, at);
        return { verdict: judgement.verdict, wakeAt: judgement.wakeAt, steady: judgement.steady };
      });
    };
    fc.assert(
      fc.property(anyCase, (one) => {
        expect(looks(one, false)).toEqual(looks(one, true));
      }),
      RUNS,
    );
  });

  it("and for however long, the memory does not grow", () => {
    fc.assert(
      fc.property(anyTerms, anyObservation, (terms, observation) => {
        const size = (count: number): number => {
          let judgement = openJudgement(takeBaseline(observed([])));
          for (let index = 0; index < count; index++) judgement = step(terms, judgement, observation, index * 10);
          return JSON.stringify(judgement, (_, value) => (value instanceof Map ? [...value] : value)).length;
        };
        expect(size(100)).toBeLessThanOrEqual(size(2) + 200);
      }),
      { numRuns: 50 },
    );
  });
});

describe("an interruption", () => {
  const terms: JudgeTerms = { policy: { startMs: 1, stableMs: 5_000, crashes: 1 }, expect: "alone", stable: true };

  it("begins the stable window anew", () => {
    const first = step(terms, openJudgement(takeBaseline(observed([]))), observed([instance("1")]), 0);
    expect(step(terms, first, observed([instance("1")]), 5_000).verdict.kind).toBe("converged");
    expect(step(terms, interrupt(first), observed([instance("1")]), 5_000).verdict.kind).toBe("progressing");
    expect(first.wakeAt).toBe(5_000);
  });

  it("changes no failure", () => {
    const failed = step(
      terms,
      openJudgement(takeBaseline(observed([]))),
      observed([instance("1", { containers: [container({ health: "unhealthy" })] })]),
      0,
    );
    expect(interrupt(failed)).toBe(failed);
  });
});
