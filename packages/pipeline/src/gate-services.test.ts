import { type ImageIdentity, sha256, whyNotScanned } from "@belay/core";
import { DEFAULT_POLICY, type PlatformScan } from "@belay/scan";
import { expect, it } from "vitest";
import { gateServices } from "./gate-services.ts";

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
