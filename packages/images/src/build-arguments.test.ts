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
          build: {
            ...{ ...FULL.build, context: value, dockerfile: value, args: { [value]: value }, platforms: [value] },
            ...{ contexts: { [value]: value }, ssh: [value], cacheFrom: [value], cacheTo: [value] },
            ...{ secrets: { [value]: { env: value }, file: { file: value } }, annotations: { [value]: value } },
            ...{ provenance: "max" as const, sbom: value, pull: true, noCache: true },
          },
          builtBy: value,
          epoch: 1,
          target: value,
          labels: { [value]: value },
        },
      );
      const end = words.indexOf("--");
      expect(words.slice(end)).toEqual(["--", value]);
      const options = words.slice(words.indexOf("build") + 1, end);
      for (const word of options) {
        expect(word).toMatch(
          /^--(progress|force-rm|load|metadata-file|iidfile|file|target|platform|build-arg|label|build-context|ssh|cache-from|cache-to|secret|annotation|attest|pull|no-cache)(=|$)/,
        );
      }
    }
  });

  it("name secrets and never hold them, and ask for attestations of the image alone", () => {
    const build = {
      ...REQUEST.build,
      secrets: { npm: { env: "NPM_TOKEN" }, key: { file: "/a,b/key" } },
      ...{ ssh: ["default"], contexts: { shared: "/src/shared" }, labels: {}, annotations: { "index:a": "b" } },
      ...{
        cacheFrom: ["type=gha"],
        cacheTo: ["type=gha,mode=max"],
        provenance: "max" as const,
        sbom: true as const,
        pull: true,
      },
    };
    const run = ["--build-context=shared=/src/shared", "--cache-from=type=gha"];
    const mounts = ["--secret=id=npm,env=NPM_TOKEN", '--secret=id=key,"src=/a,b/key"', "--ssh=default"];
    const rest = ["--iidfile=/tmp/id", "--pull", "--", "/src/web"];
    const image = buildxArguments({
      ...REQUEST,
      build,
      epoch: 7,
      builtBy: "https://x/1",
      output: { kind: "layout", path: "/l" },
    });
    expect(image).toEqual([
      ...[
        "buildx",
        "build",
        "--progress=plain",
        "--output=type=oci,tar=false,rewrite-timestamp=true,source-date-epoch=7,dest=/l",
      ],
      ...["--cache-to=type=gha,mode=max", "--annotation=index:a=b"],
      ...["--attest=type=provenance,mode=max,builder-id=https://x/1", "--attest=type=sbom"],
      ...[...run, ...mounts, ...rest],
    ]);
    const tests = buildxArguments({ ...REQUEST, build, epoch: 7, output: { kind: "files", path: "/r" } });
    expect(tests.slice(3)).toEqual(["--output=type=local,dest=/r", ...run, ...mounts, ...rest.slice(1)]);
    const before23 = buildkitArguments({ ...REQUEST, build, output: { kind: "files", path: "/r" } });
    expect(before23.slice(2)).toEqual(["--output=type=local,dest=/r", ...mounts, "--pull", "--", "/src/web"]);
  });

  it("give the commit's time to steps only where that is wanted, and the user's own before it", () => {
    const layout = { ...REQUEST, epoch: 7, output: { kind: "layout", path: "/l" } } as const;
    expect(buildxArguments({ ...layout, epochInSteps: true })).toEqual(
      expect.arrayContaining([expect.stringContaining("source-date-epoch=7,"), "--build-arg=SOURCE_DATE_EPOCH=7"]),
    );
    expect(buildxArguments({ ...REQUEST, epoch: 7, epochInSteps: true })).toContain("--build-arg=SOURCE_DATE_EPOCH=7");
    const build = { ...REQUEST.build, args: { SOURCE_DATE_EPOCH: "5" } };
    expect(buildxArguments({ ...layout, build })).toEqual(
      expect.arrayContaining([expect.stringContaining("source-date-epoch=5,"), "--build-arg=SOURCE_DATE_EPOCH=5"]),
    );
  });

  it("choose the builder by environment, without attestations", () => {
    expect(environmentFor({ kind: "buildx" })).toMatchObject({ BUILDX_NO_DEFAULT_ATTESTATIONS: "1" });
    expect(environmentFor({ kind: "buildkit" })).toEqual({ DOCKER_BUILDKIT: "1" });
    expect(environmentFor({ kind: "legacy" })).toEqual({ DOCKER_BUILDKIT: "0" });
  });
});
