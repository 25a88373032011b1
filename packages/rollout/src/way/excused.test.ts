import type { CauseDetail } from "@belay/core";
import { expect, it } from "vitest";
import { instance, old, service } from "../testing/observations.ts";
import { Excused, strangersOf } from "./excused.ts";

const PATIENCE_MS = 10_000;
const ILL: CauseDetail = { cause: "crash_loop", service: "web" };
const PROBE = { title: "http", state: "waiting", detail: "" } as const;

/** `web` with so many instances that are to go, and `api`. */
function seen(strangers: number) {
  const going = Array.from({ length: strangers }, (_, index) => old(`old-${index}`));
  const web = service([instance("new", { ready: false }), old("gone", { phase: "draining" }), ...going], {
    conditions: [
      { type: "start_failed", message: "no such file" },
      { type: "drifted", message: "somebody else removed it" },
    ],
  });
  const api = service([instance("api", { ready: false })], { name: "api" });
  const probes = [
    { ...PROBE, service: "web" },
    { ...PROBE, service: "api" },
  ];
  return { at: 0, services: [web, api], probes };
}

it.each<[string, CauseDetail & { readonly service: string }]>([
  ["one that was well", { cause: "crash_loop", service: "api" }],
  ["what somebody else has changed", { cause: "drifted", service: "web" }],
])("does not excuse %s", (_, cause) => {
  const excused = new Excused(["web"], PATIENCE_MS);
  expect(excused.take(cause.service, cause)).toBe(false);
  expect(excused.cause).toBeUndefined();
  const all = seen(1);
  expect(excused.show(all, 0)).toBe(all);
});

it("excuses each service once, and remembers why the first one failed", () => {
  const excused = new Excused(["web", "api"], PATIENCE_MS);
  expect(excused.take("web", ILL)).toBe(true);
  expect(excused.take("web", { ...ILL, cause: "unhealthy" })).toBe(false);
  expect(excused.take("api", { ...ILL, service: "api" })).toBe(true);
  expect(excused.cause).toBe(ILL);
});

it("shows of an excused service what is to go, and what somebody else did", () => {
  const excused = new Excused(["web"], PATIENCE_MS);
  excused.take("web", ILL);
  const all = seen(2);
  const { services, probes } = excused.show(all, 0);
  expect(services[1]).toBe(all.services[1]);
  expect(services[0]).toMatchObject({ desired: 0, conditions: [{ type: "drifted" }] });
  expect(services[0]?.instances.map(({ id }) => id)).toEqual(["old-0", "old-1"]);
  expect(probes.map((one) => one.service)).toEqual(["api"]);
});

it("waits for what is to go as long as it becomes less", () => {
  const excused = new Excused(["web"], PATIENCE_MS);
  excused.take("web", ILL);
  const shown = (strangers: number, now: number) => excused.show(seen(strangers), now).services[0]?.instances.length;
  expect(shown(2, 1_000)).toBe(2);
  expect(shown(2, 10_999)).toBe(2);
  expect(shown(1, 10_999)).toBe(1);
  expect(shown(2, 20_998)).toBe(2);
  expect(shown(1, 20_999)).toBe(0);
});

it("finds what may serve beside what is wanted", () => {
  const [web, api] = seen(1).services;
  expect(web && strangersOf(web).map(({ id }) => id)).toEqual(["old-0"]);
  expect(api && strangersOf(api)).toEqual([]);
});
