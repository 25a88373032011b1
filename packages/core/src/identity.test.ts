import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { knownDigests, parseReference, pinnedReference } from "./index.ts";

const hex = (digit: string): `sha256:${string}` => `sha256:${digit.repeat(64)}`;

describe("image references", () => {
  it.each([
    ["redis", "docker.io", "library/redis", undefined],
    ["acme/shop:1.2", "docker.io", "acme/shop", "1.2"],
    ["docker.io/library/redis:7", "docker.io", "library/redis", "7"],
    ["ghcr.io/acme/shop-web:sha-0123456789ab", "ghcr.io", "acme/shop-web", "sha-0123456789ab"],
    ["localhost/x", "localhost", "x", undefined],
    ["127.0.0.1:5000/a/b_c/d--e:t", "127.0.0.1:5000", "a/b_c/d--e", "t"],
  ])("reads %s", (text, registry, path, tag) => {
    expect(parseReference(text)).toMatchObject({
      registry,
      path,
      repository: `${registry}/${path}`,
      ...(tag ? { tag } : {}),
    });
  });

  it("reads a pinned one", () => {
    expect(parseReference(`redis:7@${hex("a")}`)).toMatchObject({ tag: "7", digest: hex("a") });
  });

  it.each([
    "",
    "UPPER/case",
    "a b",
    "--flag",
    "-x/y",
    "x@sha256:12",
    "x:",
    "host:port/x",
    "x/../y",
    "x\n",
    "5000:latest:z",
  ])("refuses %j", (text) => expect(parseReference(text)).toBeUndefined());

  it("never takes as a reference what could be an option (property)", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const read = parseReference(text);
        expect(read?.repository.startsWith("-") ?? false).toBe(false);
        expect(read === undefined || !/\s/.test(text)).toBe(true);
      }),
    );
  });
});

describe("identity", () => {
  const image = {
    repository: "ghcr.io/a/b",
    platforms: { "linux/amd64": { config: hex("1"), manifest: hex("2") } },
    tags: [],
  };

  it("is pinned only once it was pushed", () => {
    expect(pinnedReference(image)).toBeUndefined();
    expect(pinnedReference({ ...image, digest: hex("2") })).toBe(`ghcr.io/a/b@${hex("2")}`);
  });

  it("lists each digest once", () => {
    expect(knownDigests({ ...image, digest: hex("2"), index: hex("3") })).toEqual([hex("2"), hex("3"), hex("1")]);
  });
});
