import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScanError } from "../trivy/could-not-scan.ts";
import { parseReport } from "./parse-report.ts";

const LODASH = {
  VulnerabilityID: "CVE-2019-10744",
  VendorIDs: ["GHSA-jf85-cpcp-j695"],
  PkgName: "lodash",
  PkgPath: "app/node_modules/lodash/package.json",
  PkgIdentifier: { PURL: "pkg:npm/lodash@4.17.11", UID: "a" },
  InstalledVersion: "4.17.11",
  FixedVersion: "4.17.12",
  Status: "fixed",
  Layer: { Digest: "sha256:1", DiffID: "sha256:2", CreatedBy: "COPY . ." },
  PrimaryURL: "https://avd.aquasec.com/nvd/cve-2019-10744",
  Title: "lodash:\nprototype pollution",
  Severity: "CRITICAL",
  CVSS: { nvd: { V3Score: 9.1 }, ghsa: { V3Score: 8, V40Score: 9.3 } },
};

function document(results: unknown, more: object = {}) {
  return {
    SchemaVersion: 2,
    Trivy: { Version: "0.72.0" },
    ArtifactName: "shop",
    ArtifactType: "container_image",
    Metadata: {
      OS: { Family: "debian", Name: "12.5" },
      ImageID: "sha256:abc",
      ImageConfig: { os: "linux", architecture: "arm64", variant: "v8", created: "x" },
    },
    Results: results,
    ...more,
  };
}

const parse = (value: unknown) => parseReport(JSON.stringify(value));

describe("Trivy's report", () => {
  const step = (created_by: string, empty_layer = true) => ({ created_by, ...(empty_layer ? { empty_layer } : {}) });
  const base = [step("FROM x", false), step('CMD ["sh"]')];

  it.each([
    ["checked", [], true],
    ["nothing", [], false],
    ["nothing", [step("bazel build", false)], false],
    ["unreadable", [step("COPY a / # buildkit", false)], false],
    ["nothing", [...base, step("bazel build", false)], false],
    ["nothing", [step("RUN a # buildkit", false), ...base, step("", false)], false],
    ["unreadable", [...base, step("/bin/sh -c #(nop) COPY a", false), step("/bin/sh -c #(nop)  LABEL a=b c")], false],
    ["unreadable", [...base, step("", false), step("USER 1"), step('CMD ["a"]')], false],
  ])("tells %s of a Dockerfile from the history %j (checked: %j)", (expected, history, checked) => {
    const results = checked ? [{ Target: "shop", Class: "config" }] : [{ Target: "k8s.yaml", Class: "config" }];
    const image = { Metadata: { ImageConfig: { history } } };
    expect(parse(document(results, image)).coverage.dockerfile).toBe(expected);
  });

  it("names what stands in an image's config alike for every image", () => {
    const secret = { RuleID: "github-pat", Severity: "CRITICAL" };
    const check = { ID: "DS-0002", Severity: "HIGH" };
    const results = [
      { Target: "shop", Class: "secret", Secrets: [secret] },
      { Target: "shop", Class: "config", Misconfigurations: [check] },
      { Target: "shop/x.sh", Class: "secret", Secrets: [secret] },
    ];
    expect(parse(document(results)).findings.map((one) => one.target)).toEqual([
      "image config",
      "image config",
      "shop/x.sh",
    ]);
  });

  it.each([
    ["RUN /bin/sh -c apk add curl # buildkit", true],
    ["RUN |1 A=b /bin/sh -c true # buildkit", true],
    ["RUN /bin/bash -euo pipefail -c ldconfig # buildkit", true],
    ["/bin/sh -c pacman -Syu", true],
    ["/bin/sh -c #(nop) COPY file:1 in / ", false],
    ["COPY run.sh -c /bin/sh # buildkit", false],
    ["RUN /app --install # buildkit", false],
    ['CMD ["/bin/sh" "-c" "true"]', false],
  ])("tells from the history %j whether a shell ran: %j", (created_by, expected) => {
    const Metadata = { ImageConfig: { os: "linux", architecture: "amd64", history: [{}, { created_by }] } };
    expect(parse(document([], { Metadata })).coverage.shell ?? false).toBe(expected);
  });

  it("has no packages of a distribution whose list of them is empty", () => {
    const results = [{ Target: "shop (debian 12.5)", Class: "os-pkgs", Type: "debian", Packages: [] }];
    expect(parse(document(results)).coverage).toMatchObject({ osPackages: false, packages: 0 });
  });

  it("has none either where Trivy lists them and checks none", () => {
    const results = [{ Target: "x", Class: "os-pkgs", Type: "coreos", Packages: [{ Name: "bash" }] }];
    const of = (Family: string) => parse(document(results, { Metadata: { OS: { Family, Name: "40" } } })).coverage;
    expect(of("coreos")).toMatchObject({ osPackages: false, packages: 1 });
    expect(of("debian")).toMatchObject({ osPackages: true, packages: 1 });
  });

  it("becomes Belay's own findings, unknown members left out", () => {
    const results = [
      { Target: "shop (debian 12.5)", Class: "os-pkgs", Type: "debian", Packages: [{ Name: "base-files" }] },
      {
        Target: "Node.js",
        Class: "lang-pkgs",
        Type: "node-pkg",
        Packages: [{}, {}],
        Vulnerabilities: [LODASH],
        New: 1,
      },
    ];
    const report = parse(document(results, { SomethingNew: {} }));
    expect(report).toEqual({
      image: "shop",
      imageId: "sha256:abc",
      platform: "linux/arm64",
      trivyVersion: "0.72.0",
      coverage: {
        os: { family: "debian", name: "12.5", endOfLife: false },
        osPackages: true,
        libraries: ["node-pkg"],
        packages: 3,
        dockerfile: "nothing",
      },
      findings: [
        {
          kind: "vulnerability",
          severity: "CRITICAL",
          id: "CVE-2019-10744",
          title: "lodash: prototype pollution",
          target: "Node.js",
          platform: "linux/arm64",
          package: "lodash",
          installed: "4.17.11",
          fixed: "4.17.12",
          status: "fixed",
          path: "app/node_modules/lodash/package.json",
          purl: "pkg:npm/lodash@4.17.11",
          aliases: ["GHSA-jf85-cpcp-j695"],
          score: 9.3,
          layer: { digest: "sha256:1", diffId: "sha256:2", createdBy: "COPY . ." },
          link: "https://avd.aquasec.com/nvd/cve-2019-10744",
        },
      ],
    });
  });

  describe("whose history is the image's", () => {
    const image = (history: object[], layers: readonly string[]) => ({
      Metadata: { ImageConfig: { history, rootfs: { type: "layers", diff_ids: layers } } },
    });
    const layerOf = (Layer: object, more: object) =>
      parse(document([{ Target: "x", Vulnerabilities: [{ ...LODASH, Layer }] }], more)).findings[0]?.layer;
    const history = [step("FROM", false), step("ENV A=b"), step("COPY lib/ / # buildkit", false)];

    it("tells the instruction that made a layer, as Trivy does of secrets only", () => {
      const more = image(history, ["sha256:1", "sha256:2"]);
      const layer = { DiffID: "sha256:2" };
      expect(layerOf(layer, more)).toEqual({ diffId: "sha256:2", createdBy: "COPY lib/ / # buildkit" });
      expect(layerOf({ ...layer, CreatedBy: "COPY . ." }, more)).toMatchObject({ createdBy: "COPY . ." });
      expect(layerOf({ DiffID: "sha256:3" }, more)).toEqual({ diffId: "sha256:3" });
    });

    it.each([
      ["has fewer layers", image(history.slice(1), ["sha256:1", "sha256:2"])],
      ["has more", image(history, ["sha256:2"])],
      ["is empty", image([], ["sha256:2"])],
      ["says nothing", image([{}], ["sha256:2"])],
    ])("and %s, tells none", (_title, more) => {
      expect(layerOf({ DiffID: "sha256:2" }, more)).toEqual({ diffId: "sha256:2" });
    });
  });

  it("has secrets without the secret, failed checks only, and licences", () => {
    const results = [
      {
        Target: "/app/settings.sh",
        Class: "secret",
        Secrets: [
          { RuleID: "github-pat", Category: "GitHub", Severity: "CRITICAL", Title: "T", StartLine: 3, Match: "ghp_x" },
        ],
      },
      {
        Target: "Dockerfile",
        Class: "config",
        Misconfigurations: [
          {
            ID: "DS-0002",
            Title: "root",
            Message: "m",
            Severity: "HIGH",
            Status: "FAIL",
            CauseMetadata: { StartLine: 1 },
          },
          { ID: "DS-0001", Title: "tag", Message: "m", Severity: "HIGH", Status: "PASS" },
        ],
      },
      {
        Target: "OS Packages",
        Class: "license",
        Licenses: [
          { Severity: "HIGH", Category: "restricted", PkgName: "bash", FilePath: "", Name: "GPL-3.0", Link: "" },
        ],
      },
    ];
    const { findings } = parse(document(results));
    expect(findings.map(({ kind, id, target }) => [kind, id, target])).toEqual([
      ["secret", "github-pat", "/app/settings.sh"],
      ["misconfiguration", "DS-0002", "Dockerfile"],
      ["licence", "GPL-3.0", "OS Packages"],
    ]);
    expect(JSON.stringify(findings)).not.toContain("ghp_x");
  });

  it("tells the server's database, and whose database the caller says it was", () => {
    const server = { Trivy: { Server: { VulnerabilityDB: { Version: 2, UpdatedAt: "2026-03-01T00:00:00Z" } } } };
    expect(parse(document([], server)).database).toEqual({ schema: 2, updatedAt: "2026-03-01T00:00:00Z" });
    const own = { schema: 2, updatedAt: "2026-03-02T00:00:00Z" };
    expect(parseReport(JSON.stringify(document([])), own).database).toEqual(own);
  });

  it("takes an image with nothing in it, and `null` lists", () => {
    expect(parse(document(null)).findings).toEqual([]);
    expect(parse(document([{ Target: "x", Vulnerabilities: null }], { Metadata: {} })).coverage.packages).toBe(0);
  });

  it("takes a missing severity for UNKNOWN, and a missing status from the fixed version", () => {
    const bare = { VulnerabilityID: "CVE-1", PkgName: "p" };
    const results = [{ Target: "x", Vulnerabilities: [bare, { ...bare, FixedVersion: "2" }] }];
    expect(parse(document(results)).findings).toMatchObject([
      { severity: "UNKNOWN", status: "unknown", installed: "" },
      { severity: "UNKNOWN", status: "fixed", fixed: "2" },
    ]);
  });

  it.each([
    ["nothing", ""],
    ["half a document", '{"SchemaVersion":2,"ArtifactName":"a"'],
    ["an error page", "<html>429</html>"],
    ["null", "null"],
    ["an empty object", "{}"],
    ["another schema", JSON.stringify({ ...document([]), SchemaVersion: 3 })],
    [
      "a severity of tomorrow",
      JSON.stringify(document([{ Target: "x", Vulnerabilities: [{ ...LODASH, Severity: "DIRE" }] }])),
    ],
    ["a finding without a name", JSON.stringify(document([{ Target: "x", Vulnerabilities: [{ PkgName: "x" }] }]))],
    ["results that are none", JSON.stringify(document({}))],
  ])("%s is a broken report, never a clean image", (_what, text) => {
    expect(() => parseReport(text)).toThrowError(expect.objectContaining({ obstacle: "broken_report", exitCode: 11 }));
  });

  it("throws nothing else, whatever it is given", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((one) => JSON.stringify(document(JSON.parse(one)))),
        ),
        (text) => {
          try {
            parseReport(text);
          } catch (error) {
            expect(error).toBeInstanceOf(ScanError);
          }
        },
      ),
    );
  });
});
