import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { oddDocuments } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createRelease,
  deriveRelease,
  parseRelease,
  type Release,
  readRelease,
  releaseDigest,
  scanEvidence,
  scannedService,
  whyNotScanned,
  writeRelease,
} from "./index.ts";

const digest = `sha256:${"a".repeat(64)}` as const;
const first: Release = createRelease({
  stage: "build",
  application: "shop",
  source: { repository: "https://github.com/acme/shop", revision: "c".repeat(40) },
  services: {
    web: {
      repository: "ghcr.io/acme/shop-web",
      platforms: { "linux/amd64": { config: digest } },
      tags: ["sha-cccccccccccc"],
    },
  },
  evidence: { tests: { passed: ["web"] } },
  createdAt: "2026-01-01T00:00:00Z",
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-release-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("a release", () => {
  it("is a chain: each document names its parent and keeps the evidence", () => {
    const next = deriveRelease(first, {
      stage: "push",
      evidence: { push: { pushedAt: "t" } },
      createdAt: "2026-01-01T00:01:00Z",
    });
    expect(next.parent).toBe(releaseDigest(first));
    expect(next.evidence).toEqual({ tests: { passed: ["web"] }, push: { pushedAt: "t" } });
    expect(first.parent).toBeUndefined();
  });

  it("has a digest that does not depend on the order of keys", () => {
    const shuffled = JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(first).reverse()))) as Release;
    expect(releaseDigest(shuffled)).toBe(releaseDigest(first));
  });

  it("comes back from its file as it was, and leaves no other file", async () => {
    const path = join(folder, "deep", "release.json");
    await writeRelease(path, first);
    await writeRelease(path, first);
    expect(await readRelease(path)).toEqual(first);
    expect(await readdir(join(folder, "deep"))).toEqual(["release.json"]);
  });

  it("says which step is missing when there is none", async () => {
    await expect(readRelease(join(folder, "no.json"))).rejects.toThrow("Run the stage before (build, then push)");
  });

  it.each([
    ["{", "it is no JSON"],
    ["[]", "it is no JSON object"],
    ['{"schema":"belay.release/v9"}', 'its schema is "belay.release/v9"'],
    [
      JSON.stringify({ ...first, services: { web: { repository: "x" } } }),
      "services.web: platforms or tags are missing",
    ],
    [
      JSON.stringify({
        ...first,
        services: { web: { repository: "x", platforms: {}, tags: [], digest: "sha256:1;rm" } },
      }),
      "services.web: digest is no sha256 digest",
    ],
  ])("refuses %s", async (text, message) => {
    await writeFile(join(folder, "r.json"), text);
    expect(() => parseRelease(text)).toThrow(message);
    await expect(readRelease(join(folder, "r.json"))).rejects.toMatchObject({ code: "RELEASE_INVALID" });
  });
});

describe("a document that somebody else wrote", () => {
  const platform = { config: digest, manifest: digest };
  const counts = { fails: 0, known: 0, reported: 1, ignored: 0 };
  const web = { result: "passed", counts, platforms: { "linux/amd64": { ...platform, report: digest } } };
  const whole: Release = {
    ...first,
    source: {
      ...first.source,
      title: "x",
      pullRequest: 7,
      dirty: false,
      run: { id: "1", attempt: 1, url: "https://x" },
    },
    services: {
      web: { ...first.services.web, digest, index: digest, platforms: { "linux/amd64": platform } } as never,
    },
    evidence: { scan: { result: "passed", scannedAt: "2026-01-01T00:00:00Z", services: { web } } as never },
  };
  const odd = oddDocuments(whole);

  it("is refused, or has what is read of it in the form that is known", () => {
    expect(odd.length).toBeGreaterThan(300);
    for (const { what, document } of odd) {
      const read = attempt(() => parseRelease(JSON.stringify(document)));
      if (read instanceof Error) expect(read, what).toMatchObject({ code: "RELEASE_INVALID" });
      else
        expect(
          attempt(() => used(read)),
          what,
        ).not.toBeInstanceOf(Error);
    }
  });

  it("passes for scanned only when it says so of this very image", () => {
    expect(used(whole)).toEqual([undefined]);
    const passing = odd.filter(({ document }) => {
      const read = attempt(() => parseRelease(JSON.stringify(document)));
      return !(read instanceof Error) && used(read).some((why) => why === undefined);
    });
    const said = passing
      .map(({ what }) => what)
      .filter((what) => /\.scan\.services\.web\.(result|platforms)/.test(what));
    // Digests that are left out are told by the others.
    expect(said.filter((what) => !/\.(config|manifest) is gone$/.test(what))).toEqual([]);
  });

  it("can't name a service after what every object has", () => {
    for (const name of ["constructor", "toString", "hasOwnProperty"]) {
      const text = JSON.stringify({ ...whole, services: { [name]: whole.services.web } });
      expect(() => parseRelease(text)).toThrow("is no name of a service");
    }
    expect(scannedService(scanEvidence(whole), "constructor")).toBeUndefined();
  });

  function used(release: Release): (string | undefined)[] {
    releaseDigest(release);
    const evidence = scanEvidence(release);
    return Object.entries(release.services).map(([name, image]) =>
      whyNotScanned(scannedService(evidence, name), image),
    );
  }
});

function attempt<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error as Error;
  }
}
