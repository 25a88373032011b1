import { expect, it } from "vitest";
import { maskReport } from "./mask-report.ts";
import { parseReport } from "./parse-report.ts";

const TOKEN = "s3cret-of-the-image";

const HISTORY = [
  { created_by: "FROM x" },
  { created_by: 'CMD ["sh"]', empty_layer: true },
  { created_by: `ENV DB_PASSWORD=${TOKEN} # buildkit`, empty_layer: true, comment: "buildkit.dockerfile.v0" },
  { created_by: `RUN |1 NPM_TOKEN=${TOKEN} /bin/sh -c npm ci # buildkit` },
  { created_by: "COPY . /app # buildkit" },
];

/** Trivy's, of an image with variables; `results`: what was found. */
function reportOf(results: readonly object[]): string {
  return JSON.stringify({
    SchemaVersion: 2,
    ArtifactName: "shop",
    ArtifactType: "container_image",
    Metadata: {
      Size: 5_242_880,
      DiffIDs: ["sha256:1", "sha256:2", "sha256:3"],
      ImageID: "sha256:abc",
      ImageConfig: {
        ...{ architecture: "amd64", os: "linux", history: HISTORY },
        rootfs: { type: "layers", diff_ids: ["sha256:1", "sha256:2", "sha256:3"] },
        container_config: { Env: [`DB_PASSWORD=${TOKEN}`] },
        config: {
          Cmd: ["app", TOKEN],
          Env: ["PATH=/bin", `DB_PASSWORD=${TOKEN}`],
          Healthcheck: { Test: ["CMD", TOKEN] },
          Labels: { "org.opencontainers.image.title": "shop" },
          User: "1000",
        },
      },
    },
    Results: results,
  });
}

const LINES = { Lines: [{ Number: 1, Content: `DB_PASSWORD=${TOKEN}`, IsCause: true }] };
const CHECK = { ID: "DS-0031", Title: "t", Message: "Possible exposure of DB_PASSWORD", Severity: "CRITICAL" };
const FOUND = [
  {
    Target: "Node.js",
    Class: "lang-pkgs",
    Type: "node-pkg",
    Packages: [{ Name: "lodash", Version: "4.17.11" }],
    Vulnerabilities: [
      { VulnerabilityID: "CVE-1", PkgName: "lodash", Layer: { DiffID: "sha256:3" } },
      { VulnerabilityID: "CVE-2", PkgName: "lodash", Layer: { DiffID: "sha256:2" } },
    ],
    ExperimentalModifiedFindings: [{ Finding: { Code: LINES } }],
  },
  {
    Target: "shop",
    Class: "config",
    Type: "dockerfile",
    Misconfigurations: [{ ...CHECK, Status: "FAIL", CauseMetadata: { StartLine: 3, EndLine: 3, Code: LINES } }],
  },
  {
    Target: "/app/settings.sh",
    Class: "secret",
    Secrets: [
      {
        ...{ RuleID: "github-pat", Severity: "CRITICAL", StartLine: 2, EndLine: 2, Match: "export TOKEN=****" },
        Code: LINES,
        Layer: { DiffID: "sha256:2", CreatedBy: `RUN |1 NPM_TOKEN=${TOKEN} /bin/sh -c npm ci` },
      },
    ],
  },
];

const CONFIG_SECRET = {
  Target: "shop",
  Class: "secret",
  Secrets: [
    {
      ...{ RuleID: "github-pat", Severity: "CRITICAL", StartLine: 9, EndLine: 9, Code: LINES },
      Match: `"created_by": "ENV GITHUB_TOKEN=**** DB_PASSWORD=${TOKEN}",`,
    },
  ],
};

it("has no value that the image was given, and all that is read", () => {
  const json = reportOf(FOUND);
  const masked = maskReport(json);
  expect(masked).not.toContain(TOKEN);
  const { Metadata, Results } = JSON.parse(masked);
  expect(Metadata.ImageConfig.config).toEqual({
    Env: ["PATH=****", "DB_PASSWORD=****"],
    Labels: { "org.opencontainers.image.title": "shop" },
    User: "1000",
  });
  expect(Metadata).toMatchObject({ Size: 5_242_880, DiffIDs: ["sha256:1", "sha256:2", "sha256:3"] });
  expect(Metadata.ImageConfig.history[2]).toEqual({ ...HISTORY[2], created_by: "ENV DB_PASSWORD=**** # buildkit" });
  expect(Results[1].Misconfigurations[0]).toMatchObject({ ...CHECK, CauseMetadata: { StartLine: 3, EndLine: 3 } });
  expect(Results[2].Secrets[0]).toMatchObject({ Match: "export TOKEN=****", StartLine: 2, EndLine: 2 });
  const [before, after] = [parseReport(json), parseReport(masked)];
  const untold = ({ layer: _layer, ...rest }: (typeof before.findings)[number]) => rest;
  expect({ ...after, findings: after.findings.map(untold) }).toEqual({
    ...before,
    findings: before.findings.map(untold),
  });
  expect(after.coverage).toMatchObject({ shell: true, dockerfile: "checked" });
  expect(after.findings.map(({ layer }) => layer?.createdBy)).toEqual([
    "COPY . /app # buildkit",
    "RUN |1 **** /bin/sh -c npm ci # buildkit",
    undefined,
    "RUN |1 **** /bin/sh -c npm ci",
  ]);
});

it("has no command of an image in whose config Trivy found a secret, and no line of it", () => {
  const masked = maskReport(reportOf([...FOUND, CONFIG_SECRET]).replace("npm ci", `npm ci ${TOKEN}`));
  expect(masked).not.toContain(TOKEN);
  const { Metadata, Results } = JSON.parse(masked);
  expect(Metadata.ImageConfig.history.map((one: { created_by: string }) => one.created_by)).toEqual([
    "FROM ****",
    "CMD ****",
    "ENV DB_PASSWORD=**** # buildkit",
    "RUN |1 **** /bin/sh -c **** # buildkit",
    "COPY **** # buildkit",
  ]);
  expect(Results[3].Secrets[0].Match).toBe("GITHUB_TOKEN=****");
  expect(parseReport(masked).coverage).toMatchObject({ shell: true, dockerfile: "checked" });
});

it("tells of a Dockerfile that nobody read as before", () => {
  const json = reportOf([]);
  expect(parseReport(maskReport(json)).coverage).toEqual(parseReport(json).coverage);
  expect(parseReport(json).coverage.dockerfile).toBe("unreadable");
});

it("is the same text when it is masked once more", () => {
  const masked = maskReport(reportOf([...FOUND, CONFIG_SECRET]));
  expect(maskReport(masked)).toBe(masked);
});

it.each(['{"SchemaVersion":2', "[]", "null", '"x"'])("leaves what is no report to its reader: %s", (text) => {
  expect(maskReport(text)).toBe(text);
});

it("hides nothing of a report that is broken", () => {
  const broken = [{ Results: [1] }, { Results: {} }, { Results: [{ Target: "x", Secrets: [1] }] }, { Metadata: 1 }];
  const whole = { SchemaVersion: 2, ArtifactName: "x", ArtifactType: "container_image" };
  for (const one of broken) {
    const text = JSON.stringify({ ...whole, ...one });
    expect(() => parseReport(maskReport(text))).toThrow("reading Trivy's report");
  }
});
