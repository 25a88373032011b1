import { createRelease, type Digest, isOwn, type Release, releaseDigest, type Source, systemClock } from "@belay/core";
import { createTestLog } from "@belay/testkit";
import { expect, it } from "vitest";
import { pinChanged } from "./pin-changed.ts";
import { retagRelease } from "./retag-release.ts";

const REVISION = "0123456789abcdef0123456789abcdef01234567";
const SHA = "sha-0123456789ab";
const digest = (digit: string): Digest => `sha256:${digit.repeat(64)}`;
const source: Source = { repository: "https://github.com/acme/shop", revision: REVISION, ref: "refs/heads/main" };

const earlier: Release = {
  ...createRelease({
    stage: "push",
    application: "shop",
    source,
    services: {
      cache: { repository: "docker.io/library/redis", platforms: {}, digest: digest("c"), tags: ["7"] },
      web: {
        repository: "ghcr.io/acme/web",
        platforms: { "linux/amd64": { manifest: digest("a"), config: digest("b") } },
        digest: digest("a"),
        tags: [SHA, "main"],
      },
    },
    evidence: { push: { pushedAt: "2026-01-01T00:00:00Z" } },
    createdAt: "2026-01-01T00:00:00Z",
  }),
};

function retagged(ref: string, build: object = {}): Release {
  const services = { cache: {}, web: { build } } as never;
  const application = { application: "shop", directory: "/nowhere", services } as never;
  return retagRelease(earlier, { application, source: { ...source, ref }, clock: systemClock, log: createTestLog() });
}

it("gives the images of a commit the tags of a git tag that was put on it later", () => {
  const release = retagged("refs/tags/v1.2.3");
  expect(release.services.web?.tags).toEqual([SHA, "1.2.3", "1.2", "1", "latest"]);
  expect(release).toMatchObject({
    ...{ stage: "push", parent: releaseDigest(earlier), evidence: earlier.evidence },
    source: { revision: REVISION, ref: "refs/tags/v1.2.3" },
    services: { web: { digest: digest("a"), platforms: earlier.services.web?.platforms } },
  });
});

it("gives those of the rules as they are now", () => {
  const release = retagged("refs/heads/main", { tags: ["type=raw,value=stable"] });
  expect(release.services.web?.tags).toEqual([SHA, "stable"]);
});

it("leaves the images of others alone", () => {
  const { cache } = retagged("refs/tags/v1.2.3").services;
  expect(cache).toBe(earlier.services.cache);
  expect(cache && isOwn(cache)).toBe(false);
});

it("takes those of others that are named otherwise now, and keeps what was proven of the rest", async () => {
  const asked: string[] = [];
  const named = (image: string) => {
    const application = {
      application: "shop",
      directory: "/nowhere",
      services: { cache: { image }, web: { build: {} } },
    };
    return pinChanged(earlier, application as never, async (reference) => {
      asked.push(reference);
      return digest("d");
    });
  };
  expect(await named("redis:7")).toEqual({});
  expect(await named(`redis@${digest("c")}`)).toEqual({});
  expect(await named(`redis:7@${digest("e")}`)).toMatchObject({ cache: { digest: digest("e"), tags: ["7"] } });
  expect(asked).toEqual([]);
  const pinned = await named("redis:8");
  expect(asked).toEqual(["docker.io/library/redis:8"]);
  const application = { application: "shop", directory: "/nowhere", services: { cache: {}, web: { build: {} } } };
  const options = { application: application as never, source, clock: systemClock, log: createTestLog(), pinned };
  const release = retagRelease(earlier, options);
  expect(release.services).toMatchObject({ cache: { digest: digest("d"), tags: ["8"] }, web: { digest: digest("a") } });
  expect(release.parent).toBe(releaseDigest(earlier));
});

it("takes what a tag names where the release has a bare digest, and keeps the digest of that tag", async () => {
  const built = (tags: readonly string[]): Release => ({
    ...earlier,
    services: { cache: { repository: "docker.io/library/redis", platforms: {}, digest: digest("c"), tags } },
  });
  const application = {
    application: "shop",
    directory: "/nowhere",
    services: { cache: { image: "redis:7" } },
  } as never;
  const pinned = (release: Release) => pinChanged(release, application, async () => digest("d"));
  expect(await pinned(built([]))).toMatchObject({ cache: { digest: digest("d"), tags: ["7"] } });
  expect(await pinned(built(["7"]))).toEqual({});
});

it("says nothing of a scan of what takes the place of an image that was scanned", () => {
  const scanned = { result: "passed", counts: { fails: 0, known: 0, reported: 0, ignored: 0 }, platforms: {} } as const;
  const scan = {
    result: "passed",
    scannedAt: "2026-01-01T00:00:00Z",
    services: { cache: scanned, web: scanned },
  } as const;
  const pushed = { ...earlier, evidence: { ...earlier.evidence, scan } };
  const application = { application: "shop", directory: "/nowhere", services: { cache: {}, web: { build: {} } } };
  const options = { application: application as never, source, clock: systemClock, log: createTestLog() };
  const other = { repository: "docker.io/library/redis", platforms: {}, digest: digest("d"), tags: ["8"] };
  const release = retagRelease(pushed, { ...options, pinned: { cache: other } });
  expect(release.evidence).toEqual({ ...pushed.evidence, scan: { ...scan, services: { web: scanned } } });
});

it("is the same document when nothing is new", () => {
  expect(retagged("refs/heads/main")).toBe(earlier);
});

it("keeps what is asked for in another way than the images were built, until that is no longer so", () => {
  const services = { cache: {}, web: { build: {} } } as never;
  const application = { application: "shop", directory: "/nowhere", services } as never;
  const inputs = { web: { target: "sha256:1" } };
  const pushed = { ...earlier, evidence: { ...earlier.evidence, build: { inputs } } };
  const changed = { web: ["target"] };
  const options = { application, source, clock: systemClock, log: createTestLog() };
  const other = retagRelease(pushed, { ...options, changed });
  expect(other).toMatchObject({ parent: releaseDigest(pushed), services: earlier.services });
  expect(other.evidence).toEqual({ ...earlier.evidence, build: { inputs, changed } });
  expect(retagRelease(other, { ...options, changed })).toBe(other);
  expect(retagRelease(other, options).evidence).toEqual(pushed.evidence);
});
