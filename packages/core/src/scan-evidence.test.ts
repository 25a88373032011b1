import { describe, expect, it } from "vitest";
import type { Digest } from "./digest.ts";
import type { ImageIdentity } from "./identity.ts";
import { createRelease } from "./release.ts";
import { type ScanEvidence, type ScannedService, scanEvidence, whyNotScanned } from "./scan-evidence.ts";

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const AMD = "linux/amd64";
const ARM = "linux/arm64";

const image = (platforms: ImageIdentity["platforms"]): ImageIdentity => ({ repository: "a/b", platforms, tags: ["1"] });
const scanned = (more: Partial<ScannedService> = {}): ScannedService => ({
  result: "passed",
  counts: { fails: 0, known: 0, reported: 0, ignored: 0 },
  platforms: { [AMD]: { config: digest("a"), report: digest("f") } },
  policy: digest("e"),
  ...more,
});

describe("an image counts as scanned", () => {
  it("when each of its platforms is the very one that passed", () => {
    expect(whyNotScanned(scanned(), image({ [AMD]: { config: digest("a") } }))).toBeUndefined();
    // Pushed meanwhile: now its manifest is known too.
    expect(whyNotScanned(scanned(), image({ [AMD]: { config: digest("a"), manifest: digest("b") } }))).toBeUndefined();
  });

  it("under the platform's other name, which the registry's index gives it", () => {
    const platforms = { "linux/arm": { config: digest("a"), report: digest("f") } };
    expect(whyNotScanned(scanned({ platforms }), image({ "linux/arm/v7": { config: digest("a") } }))).toBeUndefined();
    const other = image({ "linux/arm/v6": { config: digest("a") } });
    expect(whyNotScanned(scanned({ platforms }), other)).toContain("linux/arm/v6 was not scanned");
    const both = image({ "linux/arm": { config: digest("a") }, "linux/arm/v7": { config: digest("c") } });
    expect(whyNotScanned(scanned({ platforms }), both)).toBeDefined();
  });

  it.each([
    ["nobody did", undefined, { [AMD]: { config: digest("a") } }, "it was not scanned"],
    ["it failed", scanned({ result: "vulnerable" }), {}, "the gate does not let pass"],
    ["it could not be", scanned({ result: "could_not_scan" }), {}, "could not be scanned"],
    ["it was off", scanned({ result: "off" }), {}, "switched off"],
    ["a platform is missing", scanned(), { [AMD]: { config: digest("a") }, [ARM]: {} }, `its platform ${ARM}`],
    [
      "a platform has no report",
      scanned({ platforms: { [AMD]: { config: digest("a") } } }),
      { [AMD]: { config: digest("a") } },
      `its platform ${AMD}`,
    ],
    ["it was built again", scanned(), { [AMD]: { config: digest("c") } }, `and is ${digest("c")} now`],
    [
      "one digest of two differs",
      scanned({ platforms: { [AMD]: { config: digest("a"), manifest: digest("b"), report: digest("f") } } }),
      { [AMD]: { config: digest("a"), manifest: digest("d") } },
      "was scanned as",
    ],
    ["they have nothing in common", scanned(), { [AMD]: { manifest: digest("a") } }, "was scanned as"],
  ])("but not when %s", (_name, service, platforms, why) => {
    expect(whyNotScanned(service, image(platforms))).toContain(why);
  });
});

it("what a release says of its scan is read only in the form that is known", () => {
  const release = (scan: unknown) =>
    createRelease({
      stage: "scan",
      application: "shop",
      source: { repository: "", revision: "1" },
      services: {},
      evidence: { scan: scan as ScanEvidence },
      createdAt: "",
    });
  const good = { result: "passed", scannedAt: "", services: {} };
  expect(scanEvidence(release(good))).toEqual(good);
  for (const wrong of [
    undefined,
    null,
    "passed",
    { result: "passed" },
    { services: {} },
    { ...good, services: null },
  ]) {
    expect(scanEvidence(release(wrong))).toBeUndefined();
  }
});
