import { type ImageIdentity, sha256, whyNotScanned } from "@belay/core";
import { DEFAULT_POLICY, type Finding, type PlatformScan } from "@belay/scan";
import { expect, it } from "vitest";
import { gateServices, type ScannedImage } from "./gate-services.ts";

const CONFIGS = { "linux/amd64": sha256("amd64"), "linux/arm/v7": sha256("arm") } as const;

function scanOf(platform: string, imageId: string): PlatformScan {
  const coverage = { osPackages: true, libraries: [], packages: 1, dockerfile: "checked" } as const;
  const scope = { scanners: ["vuln", "secret"] } as const;
  return { report: { image: "x", imageId, platform, coverage, scope, findings: [] }, json: imageId, cached: false };
}

/** What the release says of an image for both platforms, of which these were scanned. */
function scanned(...scans: readonly PlatformScan[]) {
  const platforms = Object.fromEntries(Object.entries(CONFIGS).map(([name, config]) => [name, { config }]));
  const identity: ImageIdentity = { repository: "ghcr.io/acme/web", platforms, tags: [] };
  const found = { scans, obstacles: [] };
  const [gated] = gateServices({ web: { policy: DEFAULT_POLICY } }, [{ service: "web", identity, found }], new Date());
  return whyNotScanned(gated?.scanned, identity);
}

it("a scan is of the platform whose image it is, also when the config leaves the variant out", () => {
  const amd64 = scanOf("linux/amd64", CONFIGS["linux/amd64"]);
  expect(scanned(amd64, scanOf("linux/arm", CONFIGS["linux/arm/v7"]))).toBeUndefined();
  expect(scanned(amd64, scanOf("linux/arm", sha256("other")))).toContain("linux/arm/v7 was not scanned");
  expect(scanned(amd64)).toContain("linux/arm/v7 was not scanned");
});

it("what only a Dockerfile tells counts as new where that of what runs is missing, which is said", () => {
  const found: Finding = {
    ...{ kind: "secret", severity: "CRITICAL", id: "github-pat", title: "GitHub token", category: "GitHub", line: 3 },
    ...{ target: "web/Dockerfile", inRepository: true },
  };
  const database = { schema: 2, updatedAt: "2026-03-01T06:00:00Z" };
  const scan = scanOf("linux/amd64", CONFIGS["linux/amd64"]);
  const of = (findings: readonly Finding[]) => ({ ...scan, report: { ...scan.report, database, findings } });
  const identity: ImageIdentity = { repository: "ghcr.io/acme/web", platforms: {}, tags: [] };
  const uncompared = "git does not have it here";
  const notes = (findings: readonly Finding[], onlyNew: boolean, more: Partial<ScannedImage> = {}) => {
    const dockerfile = { path: "web/Dockerfile", json: "{}", checked: true };
    const image = { service: "web", identity, found: { scans: [of(findings)], obstacles: [] }, dockerfile };
    const baseline = [of([]).report];
    const rules = { web: { policy: { ...DEFAULT_POLICY, onlyNew } } };
    const [gated] = gateServices(rules, [{ ...image, baseline, uncompared, ...more }], new Date());
    return gated?.gate.notes.filter((note) => note.includes("as new"));
  };
  const said = [`What only web/Dockerfile tells counts as new: ${uncompared}.`];
  expect(notes([found], true)).toEqual(said);
  expect(notes([found], false)).toEqual(said);
  // Before it stops something, where it could; and not where it changes nothing.
  expect(notes([], true)).toEqual(said);
  expect(notes([], false)).toEqual([]);
  const other = of([found]).report;
  expect(notes([found], true, { baseline: [{ ...other, trivyVersion: "0.1" }] })).toEqual([
    expect.stringMatching(/^Everything counts as new/),
  ]);
});
