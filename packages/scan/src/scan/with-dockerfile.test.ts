import { describe, expect, it } from "vitest";
import { DEFAULT_POLICY } from "../gate/gate-policy.ts";
import { lookAtCoverage } from "../gate/look-at-coverage.ts";
import { compareReports } from "../report/compare-reports.ts";
import { parseReport } from "../report/parse-report.ts";
import type { ScanReport } from "../report/scan-report.ts";
import type { DockerfileScan } from "./scan-dockerfiles.ts";
import { withDockerfile, withDockerfileBefore } from "./with-dockerfile.ts";

interface Wrong {
  readonly ID: string;
  readonly Message: string;
  readonly line?: number;
}

const ROOT: Wrong = { ID: "DS-0002", Message: "Specify at least 1 USER command" };
const HEALTH: Wrong = { ID: "DS-0026", Message: "Add HEALTHCHECK  instruction" };
const ALIAS: Wrong = { ID: "DS-0012", Message: "Duplicate aliases 'a'", line: 4 };

const config = (Target: string, wrong: readonly Wrong[]) => ({
  ...{ Target, Class: "config", Type: "dockerfile", MisconfSummary: { Successes: 9, Failures: wrong.length } },
  Misconfigurations: wrong.map(({ line, ...one }) => ({
    ...{ ...one, Severity: "HIGH", Status: "FAIL" },
    CauseMetadata: line === undefined ? {} : { StartLine: line },
  })),
});
const secret = (Target: string) => ({
  ...{ Target, Class: "secret" },
  Secrets: [{ RuleID: "github-pat", Severity: "CRITICAL", Category: "GitHub", StartLine: 2 }],
});

/** A scan of an image whose history tells this; `undefined`: Trivy could not parse it. */
function image(history: readonly Wrong[] | undefined, more: readonly object[] = []) {
  const step = { created_by: "COPY a / # buildkit" };
  const json = JSON.stringify({
    ...{ SchemaVersion: 2, ArtifactName: "layout", ArtifactType: "container_image", Trivy: { Version: "0.72.0" } },
    Metadata: { ImageConfig: { os: "linux", architecture: "arm64", history: [step] } },
    Results: [...(history === undefined ? [] : [config("layout", history)]), ...more],
  });
  const scope = { scanners: ["vuln", "misconfig", "secret"] } as const;
  const report: ScanReport = { ...parseReport(json, { schema: 2, updatedAt: "2026-03-01T06:00:00Z" }), scope };
  return { json, report, cached: false };
}

function dockerfile(wrong: readonly Wrong[] | undefined, ...more: readonly object[]): DockerfileScan {
  const path = "web/Dockerfile";
  const Results = [...(wrong === undefined ? [] : [config(path, wrong)]), ...more];
  const json = JSON.stringify({ SchemaVersion: 2, ArtifactName: "sha256:1", ArtifactType: "filesystem", Results });
  return { path, json, checked: wrong !== undefined };
}

const told = ({ report }: { report: ScanReport }): string[] =>
  report.findings.map((one) => `${one.id} ${one.target}${"line" in one && one.line ? `:${one.line}` : ""}`);

describe("an image and its Dockerfile", () => {
  it("have what both tell once, where the file has it, and what only one of them tells too", () => {
    const found = withDockerfile(
      image([ROOT, { ...HEALTH, Message: "Add HEALTHCHECK instruction" }]),
      dockerfile([HEALTH, ALIAS], secret("web/Dockerfile")),
    );
    expect(told(found)).toEqual([
      "DS-0026 web/Dockerfile",
      "DS-0012 web/Dockerfile:4",
      "github-pat web/Dockerfile:2",
      "DS-0002 image config",
    ]);
    expect(found.report.findings.map((one) => one.inRepository ?? false)).toEqual([true, true, true, false]);
    expect(new Set(found.report.findings.map((one) => one.platform))).toEqual(new Set(["linux/arm64"]));
    // The text of the report says the same: it is what the release names, and what other formats are made of.
    const read = parseReport(found.json);
    expect(read.findings.map((one) => `${one.id} ${one.target}`).toSorted()).toEqual(
      found.report.findings.map((one) => `${one.id} ${one.target}`).toSorted(),
    );
    expect(read).toMatchObject({ platform: "linux/arm64", image: "layout" });
  });

  it("leave the text of the report as it is where the file has nothing to tell", () => {
    const before = image([ROOT], [secret("layout")]);
    expect(withDockerfile(before, dockerfile(undefined)).json).toBe(before.json);
  });

  it("keep a secret of the image's config, of whichever of the two it comes", () => {
    const found = withDockerfile(image([], [secret("layout")]), dockerfile([], secret("web/Dockerfile")));
    expect(told(found)).toEqual(["github-pat web/Dockerfile:2", "github-pat image config:2"]);
  });

  it("are looked at whole where nobody can parse the history, which is told, and not where nobody can parse either", () => {
    const policy = { ...DEFAULT_POLICY, scanners: ["vuln", "misconfig", "secret"] as const, allowUnknownOs: true };
    const seen = (wrong: readonly Wrong[] | undefined) =>
      lookAtCoverage(withDockerfile(image(undefined), dockerfile(wrong)).report, policy);
    const file = seen([ROOT]);
    expect(file).toMatchObject({ partial: false });
    expect(file.obstacle?.obstacle).toBe(undefined);
    expect(file.notes.join()).toContain("not what its history tells");
    expect(seen(undefined)).toMatchObject({ obstacle: { obstacle: "unread_dockerfile" } });
    const both = withDockerfile(image([ROOT]), dockerfile(undefined, secret("web/Dockerfile")));
    expect(told(both)).toEqual(["github-pat web/Dockerfile:2", "DS-0002 image config"]);
    expect(both.report.coverage.dockerfile).toBe("checked");
  });
});

describe("an image that runs", () => {
  const now = dockerfile([ROOT, HEALTH, ALIAS], secret("web/Dockerfile"));
  const { report } = withDockerfile(image([ROOT, HEALTH]), now);
  const introduced = (before: DockerfileScan | undefined, history: readonly Wrong[] | undefined): string[] => {
    const compared = compareReports([report], [withDockerfileBefore(image(history).report, now, before)]);
    return typeof compared === "string" ? [compared] : compared.introduced.map((one) => one.id);
  };

  it("is compared with its own Dockerfile, where git has that", () => {
    expect(introduced(now, [ROOT, HEALTH])).toEqual([]);
    expect(introduced(dockerfile([ROOT, HEALTH]), [ROOT, HEALTH])).toEqual(["DS-0012", "github-pat"]);
  });

  it("is compared with what its history tells of the same, where nobody has its Dockerfile or can parse it", () => {
    expect(introduced(undefined, [ROOT, HEALTH])).toEqual(["DS-0012", "github-pat"]);
    expect(introduced(undefined, [HEALTH])).toEqual(["DS-0002", "DS-0012", "github-pat"]);
    expect(introduced(dockerfile(undefined, secret("web/Dockerfile")), [ROOT, HEALTH])).toEqual(["DS-0012"]);
    expect(introduced(undefined, undefined)).toEqual(["DS-0002", "DS-0026", "DS-0012", "github-pat"]);
  });

  it("is compared with what its history tells, and the secrets of its Dockerfile, where nobody can parse the one of now", () => {
    const unread = dockerfile(undefined, secret("web/Dockerfile"));
    const seen = withDockerfile(image([ROOT, HEALTH]), unread);
    const compare = (before: DockerfileScan, history: readonly Wrong[]) => {
      const compared = compareReports([seen.report], [withDockerfileBefore(image(history).report, unread, before)]);
      if (typeof compared === "string") throw new Error(compared);
      return [compared.introduced, compared.fixed].map((all) => all.map((one) => `${one.id} ${one.target}`));
    };
    const before = dockerfile([ROOT, HEALTH, ALIAS], secret("web/Dockerfile"));
    // Nobody knows what became of the alias.
    expect(compare(before, [ROOT, HEALTH])).toEqual([[], []]);
    expect(compare(before, [ROOT])).toEqual([["DS-0026 image config"], []]);
    expect(compare(dockerfile([ROOT]), [ROOT, HEALTH, ALIAS])).toEqual([
      ["github-pat web/Dockerfile"],
      ["DS-0012 image config"],
    ]);
  });
});
