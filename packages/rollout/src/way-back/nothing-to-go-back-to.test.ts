import type { Instance, ObservedService, Plan, ServiceChange } from "@belay/core";
import { expect, it } from "vitest";
import { MemoryStore } from "../ledger/memory-store.ts";
import { instance, old, service } from "../testing/observations.ts";
import { silentLog } from "../testing/silent-log.ts";
import { SimTarget } from "../testing/sim-target.ts";
import { SimWorld } from "../testing/sim-world.ts";
import { illBefore, nothingToGoBackTo } from "./nothing-to-go-back-to.ts";

const BAD: Partial<Instance> = { ready: false };

function change(name: string, more: Partial<ServiceChange> = {}): ServiceChange {
  const facts = { revision: "old", image: name, digests: [], instances: 0 };
  const rest = { dependsOn: [], differences: [], from: facts, to: { ...facts, revision: "new" } } as const;
  return { service: name, name, action: "update", goal: "run", desired: 2, ...rest, ...more };
}

/** What keeps a release that fails in `failed`, after a first one that was kept. */
async function whyKept(
  services: readonly ServiceChange[],
  seen: readonly ObservedService[],
  failed?: string,
  at?: readonly ObservedService[],
  way: "forward" | "back" = "forward",
) {
  const target = Object.assign(new SimTarget(new SimWorld().engine), { store: new MemoryStore() });
  const plan: Plan = {
    scope: target.scope,
    services,
    findings: [],
    notCovered: [],
    labelledDeployment: 0,
    detail: undefined,
  };
  const source = { repository: "https://example.test/shop", revision: "v1" };
  const release = { digest: `sha256:${"0".repeat(64)}`, source, images: {} } as const;
  const before = { deployment: 1, release, proven: false };
  const look = async () => ({ at: 5_000, services: seen, probes: [] });
  const ill = await illBefore({ target, log: silentLog([]) }, { before, plan, look });
  const touched = services.filter(({ action }) => action !== "unchanged").map((one) => one.service);
  const found = nothingToGoBackTo({ ill, touched, before });
  const end = at && { at: 9_000, services: at, probes: [] };
  return found?.({ cause: "crash_loop", ...(failed === undefined ? {} : { service: failed }) }, end, way)?.[0]?.service;
}

const WEB_BAD = service([old("1", BAD), old("2", BAD)], { desired: 2 });
const API_WELL = service([old("3")], { name: "api" });
const API_BAD = service([old("3", BAD)], { name: "api" });
const NONE = service([], { name: "batch", desired: 0 });
const [WEB, API, BATCH] = [change("web"), change("api"), change("batch")];
const API_LEFT = change("api", { action: "unchanged" });

type Seen = readonly ObservedService[];
const API_NEW = service([instance("4")], { name: "api" });
const API_NEW_BAD = service([instance("4", BAD)], { name: "api" });

it.each<[string, string | undefined, readonly ServiceChange[], Seen, string?, Seen?]>([
  ["when what fails was bad before", "web", [WEB, API_LEFT], [WEB_BAD, API_WELL], "web"],
  ["when the rest is well with it", "web", [WEB, API], [WEB_BAD, API_WELL], "web", [WEB_BAD, API_NEW]],
  ["not when the rest is not", undefined, [WEB, API], [WEB_BAD, API_WELL], "web", [WEB_BAD, API_NEW_BAD]],
  ["when the rest is still what it was", "web", [WEB, API], [WEB_BAD, API_WELL], "web", [WEB_BAD, API_WELL]],
  ["not when nothing was seen of the rest", undefined, [WEB, API], [WEB_BAD, API_WELL], "web"],
  ["not when what fails was well before", undefined, [WEB, API], [WEB_BAD, API_WELL], "api"],
  ["when nothing tells which fails, and all were bad", "web", [WEB, API], [WEB_BAD, API_BAD]],
  ["when nothing tells which fails, and all that change were", "web", [WEB, API_LEFT], [WEB_BAD, API_WELL]],
  ["not when nothing tells which fails, and one was well", undefined, [WEB, API], [WEB_BAD, API_WELL]],
  ["not when nothing of the services changes", undefined, [API_LEFT], [API_BAD]],
  ["not for a service of which nothing should run", undefined, [WEB, BATCH], [WEB_BAD, NONE], "batch"],
  ["not for one that is new", undefined, [WEB, { ...API, from: undefined as never }], [WEB_BAD, API_BAD], "api"],
  ["not for one that was not seen", undefined, [WEB, API], [WEB_BAD], "api"],
  ["not while one of many serves", undefined, [WEB], [service([old("1"), old("2", BAD)], { desired: 2 })], "web"],
  ["when the others are on their way out", "web", [WEB], [service([old("1", { phase: "draining" })])], "web"],
])("a release stays %s", async (_, kept, services, seen, failed, end) => {
  expect(await whyKept(services, seen, failed, end)).toBe(kept);
});

const API_BACK = service([instance("5")], { name: "api" });
const API_HALF = service([instance("5"), old("3")], { name: "api" });

it.each<[string, string | undefined, readonly ServiceChange[], Seen, string?, Seen?]>([
  ["when what was bad is bad again", "web", [WEB, API_LEFT], [WEB_BAD, API_WELL], "web", [WEB_BAD, API_WELL]],
  ["not when its act failed", undefined, [WEB, API_LEFT], [WEB_BAD, API_WELL], "web"],
  ["when the rest is well again", "web", [WEB, API], [WEB_BAD, API_WELL], "web", [WEB_BAD, API_BACK]],
  ["not when the rest is not all of it back", undefined, [WEB, API], [WEB_BAD, API_WELL], "web", [WEB_BAD, API_HALF]],
  ["not when the rest is not well", undefined, [WEB, API], [WEB_BAD, API_WELL], "web", [WEB_BAD, API_NEW_BAD]],
  ["not when what was well is not", undefined, [WEB, API], [WEB_BAD, API_WELL], "api", [WEB_BAD, API_NEW_BAD]],
])("a way back has led to nothing worse %s", async (_, told, services, seen, failed, end) => {
  expect(await whyKept(services, seen, failed, end, "back")).toBe(told);
});

it.each<[string, string | undefined, Seen]>([
  ["bad as it was, and the rest is well", "web", [WEB_BAD, API_BACK]],
  ["bad as it was, and what was well is not", undefined, [WEB_BAD, API_NEW_BAD]],
])("whoever recovers goes by what the way back shows: %s", (_, told, services) => {
  const found = nothingToGoBackTo({ ill: ["web"], before: { proven: false } });
  const seen = { at: 9_000, services, probes: [] };
  expect(found?.({ cause: "crash_loop", service: "web" }, seen, "back")?.[0]?.service).toBe(told);
});

it("names what is still there of what was bad, beside what was put back", () => {
  const found = nothingToGoBackTo({ ill: ["web", "api"], touched: ["web"], before: { proven: false } });
  const web = service([instance("5", BAD), old("1", { title: "web-1" })]);
  const seen = { at: 9_000, services: [web, API_HALF], probes: [] };
  const cause = { cause: "crash_loop", service: "web" } as const;
  const message = "still there beside what was put back of web: web-1";
  const still = { level: "warn", check: "still_there", service: "web", message };
  expect(found?.(cause, seen, "back")).toMatchObject([{ check: "nothing_proven" }, still]);
  expect(found?.(cause, seen, "forward")).toHaveLength(1);
  const many = service(["1", "2", "3", "4", "5", "6", "7"].map((id) => old(id)));
  const told = found?.(cause, { ...seen, services: [many] }, "back")?.[1]?.message;
  expect(told).toMatch(/: web-1, web-2, web-3, web-4, web-5 and 2 more$/);
});

it("does not call no better what looks right at the end, and was seen to fail on the way", () => {
  const found = nothingToGoBackTo({ ill: ["web"], before: { proven: false } });
  const cause = { cause: "crash_loop", service: "web" } as const;
  const told = (...services: ReturnType<typeof service>[]) =>
    found?.(cause, { at: 9_000, services, probes: [] }, "back")?.[0]?.remedy;
  expect(told(service([instance("5", BAD)]))).toContain("is no better than it was");
  expect(told(service([instance("5")]))).toContain("failed once more. It looks right now, which proves nothing");
});

it("says nothing where nothing is known to have been bad", () => {
  expect(nothingToGoBackTo({ ill: [], before: { proven: false } })).toBeUndefined();
});
