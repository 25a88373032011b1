import type { ScanSettings } from "@belay/config";
import { createRelease, type Release, type ScanEvidence, type ScanResult, sha256 } from "@belay/core";
import { expect, it } from "vitest";
import { createContext } from "../testing/create-context.ts";
import { requireScanned } from "./require-scanned.ts";

const digest = sha256("image");
const platforms = { "linux/amd64": { config: digest } };
const counts = { fails: 0, known: 0, reported: 0, ignored: 0 };

/** `web` is built here, `cache` is an image of others; each scanned with that result, or not at all. */
function release(results: Readonly<Record<string, ScanResult>>): Release {
  const services = Object.entries(results).map(([name, result]) => {
    const scanned = { "linux/amd64": { config: digest, report: digest } };
    return [name, { result, counts, platforms: scanned }] as const;
  });
  const result = Object.values(results).find((one) => one !== "passed") ?? "passed";
  const scan: ScanEvidence = { result, scannedAt: "2026-01-01T00:00:00Z", services: Object.fromEntries(services) };
  return createRelease({
    ...{ stage: "scan", application: "shop", createdAt: "2026-01-01T00:00:00Z", evidence: { scan } },
    source: { repository: "https://github.com/acme/shop", revision: "0".repeat(40) },
    services: {
      web: { repository: "registry.example/web", platforms, tags: ["sha-000000000000"] },
      cache: { repository: "docker.io/library/redis", platforms: {}, digest, tags: [] },
    },
  });
}

function settings(...off: readonly string[]): ScanSettings {
  const services = Object.fromEntries(off.map((name) => [name, { off: true }]));
  return { gate: { off: false }, services } as unknown as ScanSettings;
}

const context = createContext("/");

it("lets pass, as it is, what was scanned and passed, of others too", () => {
  const passed = release({ web: "passed", cache: "passed" });
  expect(requireScanned(context, settings(), passed)).toBe(passed);
});

it.each([
  ["vulnerable", { web: "passed", cache: "vulnerable" }, "cache: its scan found what the gate does not let pass"],
  ["that could not be scanned", { web: "passed", cache: "could_not_scan" }, "cache: it could not be scanned"],
  ["that nobody looked at", { web: "passed" }, "cache: it was not scanned"],
] as const)("refuses an image of others %s", (_what, results, got) => {
  const refused = expect.objectContaining({ code: "NOT_SCANNED", got: `${got}. Nothing was pushed` });
  expect(() => requireScanned(context, settings(), release(results))).toThrow(refused);
});

it("does not let what one service's scan is switched off for speak for another", () => {
  const vulnerable = release({ web: "passed", cache: "vulnerable" });
  expect(() => requireScanned(context, settings("web"), vulnerable)).toThrow("cache: its scan found");
});

it("calls off what is switched off, and passed only what is left and passed", () => {
  const { evidence } = requireScanned(context, settings("cache"), release({ web: "passed", cache: "vulnerable" }));
  expect(evidence.scan).toMatchObject({
    result: "passed",
    services: { web: { result: "passed" }, cache: { result: "off" } },
  });
  const none = requireScanned(context, settings("web", "cache"), release({}));
  expect(none.evidence.scan).toMatchObject({
    result: "off",
    services: { web: { result: "off" }, cache: { result: "off" } },
  });
});
