import { describe, expect, it } from "vitest";
import { PINNED_TRIVY, trivyArchive } from "./trivy-release.ts";

const SUM = "ab".repeat(32);

describe("the Trivy to download", () => {
  it("is the pinned release of its makers, for this machine", () => {
    const { url, version } = trivyArchive({}, "linux", "x64");
    expect(version).toBe(PINNED_TRIVY);
    expect(url.href).toBe(
      `https://github.com/aquasecurity/trivy/releases/download/v${PINNED_TRIVY}/trivy_${PINNED_TRIVY}_Linux-64bit.tar.gz`,
    );
  });

  it("has another checksum for each machine", () => {
    const sums = [
      ["linux", "x64"],
      ["linux", "arm64"],
      ["darwin", "x64"],
      ["darwin", "arm64"],
    ].map(([os, cpu]) => trivyArchive({}, os, cpu).checksum);
    expect(new Set(sums).size).toBe(4);
    for (const sum of sums) expect(sum).toMatch(/^[0-9a-f]{64}$/);
  });

  it("comes from a mirror with the same folders", () => {
    const { url } = trivyArchive({ mirror: "http://127.0.0.1:9/a/" }, "linux", "arm64");
    expect(url.href).toBe(`http://127.0.0.1:9/a/v${PINNED_TRIVY}/trivy_${PINNED_TRIVY}_Linux-ARM64.tar.gz`);
  });

  it("may be another version when its checksum is given", () => {
    expect(trivyArchive({ version: "v0.69.3", checksum: `sha256:${SUM.toUpperCase()}` })).toMatchObject({
      version: "0.69.3",
      checksum: SUM,
    });
  });

  it.each([
    [{ version: "0.69.3" }, "knows no checksum of Trivy 0.69.3"],
    [{ version: "latest" }, '"latest" is no version'],
    [{ version: "0.72.0/../../x" }, "is no version"],
    [{ checksum: "abc" }, "the checksum is no SHA-256"],
    [{ mirror: "file:///etc" }, "the mirror is no http(s) address"],
    [{ mirror: "https://x.example/?a=" }, "the mirror is no http(s) address"],
    [{ mirror: "https://u:p@x.example" }, "holds credentials"],
  ])("refuses %j", (choice, words) => {
    expect(() => trivyArchive(choice, "linux", "x64")).toThrow(words);
  });

  it("refuses a machine that there is no archive for", () => {
    expect(() => trivyArchive({}, "aix", "x64")).toThrow("there is no archive for aix on x64");
    expect(() => trivyArchive({}, "linux", "s390x")).toThrow("knows no checksum");
  });
});
