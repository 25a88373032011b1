import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Inputs } from "@belay/core";
import { readLayout } from "@belay/core/oci-layout";
import { makeImageLayout } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { trivyActionCall, trivyActionScope } from "./trivy-action-call.ts";
import { trivyActionRuns } from "./trivy-action-runs.ts";

const AMD = "linux/amd64";
const ARM = "linux/arm64";

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "belay-trivy-runs-"));
});
afterEach(() => rm(place, { recursive: true, force: true }));

const inputs = (values: Readonly<Record<string, string>>) => new Inputs((name) => values[name]);
const runs = (values: Readonly<Record<string, string>>) => trivyActionRuns(trivyActionCall(inputs(values), {}), place);

describe("the runs of trivy-action", () => {
  it("are one for each platform of an image in a registry, and one for whatever it has", async () => {
    const image = { "image-ref": "ghcr.io/acme/shop:1" };
    expect(await runs(image)).toEqual([{}]);
    expect(await runs({ ...image, platforms: `${AMD},${ARM}` })).toEqual([{ platform: AMD }, { platform: ARM }]);
  });

  it("are one for each platform of a layout, which has that one alone", async () => {
    const input = join(place, "image");
    const layout = await makeImageLayout(input, { [AMD]: [{ a: "1" }], [ARM]: [{ a: "2" }] });
    const all = await runs({ input });
    expect(all.map(({ platform }) => platform)).toEqual([AMD, ARM]);
    for (const run of all) {
      const { entries } = await readLayout(run.input ?? "");
      expect(entries).toMatchObject([{ platform: run.platform, ...layout.platforms[run.platform ?? ""] }]);
      expect(JSON.parse(await readFile(join(run.input ?? "", "index.json"), "utf8")).manifests).toHaveLength(1);
    }
    await rm(join(place, "layout-1"), { recursive: true });
    expect(await runs({ input, platforms: ARM })).toMatchObject([{ platform: ARM }]);
    await expect(runs({ input, platforms: "linux/s390x" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  it("are found in a layout by any name of their platform", async () => {
    const input = join(place, "image");
    // Its config says no variant.
    await makeImageLayout(input, { [AMD]: [{ a: "1" }], [ARM]: [{ a: "2" }], "linux/arm": [{ a: "3" }] });
    const all = await runs({ input, platforms: "linux/arm64/v8,linux/arm/v7,linux/arm64" });
    expect(all.map(({ platform }) => platform)).toEqual([ARM, "linux/arm"]);
    await expect(runs({ input, platforms: `${AMD},linux/386` })).rejects.toThrow("and no linux/386");
  });

  it("are one for a tar file", async () => {
    const input = join(place, "image.tar");
    await writeFile(input, "");
    expect(await runs({ input })).toEqual([{ input }]);
    expect(await runs({ input, platforms: ARM })).toEqual([{ input, platform: ARM }]);
    await expect(runs({ input, platforms: `${AMD},${ARM}` })).rejects.toThrow("a tar file has one platform");
  });

  it("are no more than action.yml has steps", async () => {
    const input = join(place, "image");
    const names = ["amd64", "arm64", "s390x", "ppc64le", "riscv64"].map((name) => `linux/${name}`);
    await makeImageLayout(input, Object.fromEntries(names.map((name) => [name, [{ a: name }]])));
    await expect(runs({ input })).rejects.toThrow("Name at most 4 of them");
  });
});

it("tells what such runs look for", () => {
  expect(trivyActionScope(inputs({}))).toEqual({ scanners: ["vuln", "secret"] });
  const part = { scanners: "secret, vuln", "vuln-type": "os", "skip-dirs": "usr/share/**,/opt", "skip-files": "a" };
  expect(trivyActionScope(inputs(part))).toEqual({
    scanners: ["vuln", "secret"],
    packages: ["os"],
    skipped: ["usr/share/**", "/opt", "a"],
  });
});
