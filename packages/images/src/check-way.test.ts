import type { BuildSettings } from "@belay/config";
import { describe, expect, it } from "vitest";
import { checkWay } from "./check-way.ts";

const BUILDX = { kind: "buildx", name: "default", driver: "docker" } as const;
const LAYOUT = { kind: "layout", because: "the builder own has the driver remote" } as const;
const ENGINE = { kind: "engine", because: "the classic image store" } as const;

function check(
  builder: Parameters<typeof checkWay>[0],
  way: Parameters<typeof checkWay>[1],
  more: Partial<BuildSettings>,
) {
  const build = { context: ".", args: {}, platforms: [], ...more };
  return () => checkWay(builder, way, [["web", { image: "a.invalid/web", names: {}, build }]]);
}

describe("what a builder can't do is refused before anything is built", () => {
  it.each<[string, Partial<BuildSettings>]>([
    ["2 platforms", { platforms: ["linux/amd64", "linux/arm64"] }],
    ["`provenance`", { provenance: "min" }],
    ["`sbom`", { sbom: true }],
    ["`annotations`", { annotations: { a: "b" } }],
    ["`cache-to`", { cacheTo: ["type=gha"] }],
  ])("%s, without a layout", (what, more) => {
    expect(check(BUILDX, LAYOUT, more)).not.toThrow();
    expect(check(BUILDX, ENGINE, more)).toThrow(`it wants ${what}`);
    expect(check(BUILDX, ENGINE, more)).toThrow("docker/setup-buildx-action");
  });

  it.each<[string, Partial<BuildSettings>]>([
    ["caches", { cacheFrom: ["a.invalid/web:cache"] }],
    ["`contexts`", { contexts: { a: "/a" } }],
  ])("%s, without buildx", (what, more) => {
    expect(check(BUILDX, ENGINE, more)).not.toThrow();
    expect(check({ kind: "buildkit" }, ENGINE, more)).toThrow(`it wants ${what}`);
  });

  it.each<[string, Partial<BuildSettings>]>([
    ["`secrets`", { secrets: { a: { env: "A" } } }],
    ["`ssh`", { ssh: ["default"] }],
    ["`test-reports`", { testReports: "/reports" }],
  ])("%s, without BuildKit", (what, more) => {
    expect(check({ kind: "buildkit" }, ENGINE, more)).not.toThrow();
    expect(check({ kind: "legacy" }, ENGINE, more)).toThrow(`it wants ${what}`);
  });

  it("an inline cache is part of the image, which the engine can have", () => {
    expect(check(BUILDX, ENGINE, { cacheTo: ["type=inline"] })).not.toThrow();
  });
});
