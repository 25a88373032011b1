import { describe, expect, it } from "vitest";
import {
  argumentsFor,
  buildkitArguments,
  buildxArguments,
  environmentFor,
  legacyArguments,
} from "./build-arguments.ts";

const REQUEST = {
  build: { context: "/src/web", args: {}, platforms: [] },
  labels: {},
  idFile: "/tmp/id",
  output: { kind: "engine" },
} as const;
const FULL = {
  ...REQUEST,
  build: {
    context: "/src/web",
    dockerfile: "/src/Dockerfile.web",
    args: { BASE: "base:1", EMPTY: "" },
    platforms: ["linux/arm64"],
  },
  target: "runtime",
  labels: { "org.opencontainers.image.revision": "abc" },
  metadataFile: "/tmp/metadata",
};
const COMMON = [
  "--iidfile=/tmp/id",
  "--file=/src/Dockerfile.web",
  "--target=runtime",
  "--platform=linux/arm64",
  "--build-arg=BASE=base:1",
  "--build-arg=EMPTY=",
  "--label=org.opencontainers.image.revision=abc",
  "--",
  "/src/web",
];

describe("build arguments", () => {
  it.each([
    [
      "buildx",
      buildxArguments(FULL),
      ["buildx", "build", "--progress=plain", "--load", "--metadata-file=/tmp/metadata", ...COMMON],
    ],
    ["buildkit", buildkitArguments(FULL), ["build", "--progress=plain", ...COMMON]],
    ["legacy", legacyArguments(FULL), ["build", "--force-rm", ...COMMON]],
    [
      "buildx, only run",
      buildxArguments({ ...REQUEST, output: { kind: "none" } }),
      ["buildx", "build", "--progress=plain", "--output=type=cacheonly", "--iidfile=/tmp/id", "--", "/src/web"],
    ],
    [
      "buildx, into a layout, with a builder of that name",
      buildxArguments({ ...REQUEST, output: { kind: "layout", path: '/a,b "c"/web' } }, "own"),
      [
        ...["buildx", "build", "--progress=plain", "--builder=own"],
        '--output=type=oci,tar=false,"dest=/a,b ""c""/web"',
        ...["--iidfile=/tmp/id", "--", "/src/web"],
      ],
    ],
  ])("for %s", (_name, got, wanted) => {
    expect(got).toEqual(wanted);
  });

  it.each(["buildx", "buildkit", "legacy"] as const)("for %s never let a value become an option", (kind) => {
    const hostile = ["--push", "-t evil", "$(id)", "`id`", "a\nb", "--", "=x"];
    for (const value of hostile) {
      const words = argumentsFor(
        { kind },
        {
          ...FULL,
          build: { ...FULL.build, context: value, dockerfile: value, args: { [value]: value }, platforms: [value] },
          target: value,
          labels: { [value]: value },
        },
      );
      const end = words.indexOf("--");
      expect(words.slice(end)).toEqual(["--", value]);
      const options = words.slice(words.indexOf("build") + 1, end);
      for (const word of options) {
        expect(word).toMatch(
          /^--(progress|force-rm|load|metadata-file|iidfile|file|target|platform|build-arg|label)(=|$)/,
        );
      }
    }
  });

  it("choose the builder by environment, without attestations", () => {
    expect(environmentFor({ kind: "buildx" })).toMatchObject({ BUILDX_NO_DEFAULT_ATTESTATIONS: "1" });
    expect(environmentFor({ kind: "buildkit" })).toEqual({ DOCKER_BUILDKIT: "1" });
    expect(environmentFor({ kind: "legacy" })).toEqual({ DOCKER_BUILDKIT: "0" });
  });
});
