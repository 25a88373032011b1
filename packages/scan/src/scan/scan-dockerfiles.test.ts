import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Redactor, type Runner, sha256 } from "@belay/core";
import { temporaryFolder } from "@belay/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { ReportCache } from "../report/report-cache.ts";
import { Trivy } from "../trivy/trivy.ts";
import { scanDockerfiles } from "./scan-dockerfiles.ts";

type Result = Readonly<Record<string, unknown>>;

let folder: string;
/** What Trivy was given: the texts of each run. */
let runs: string[][] = [];
/** What it says of each text. */
let say: (text: string, target: string) => readonly Result[];

beforeEach(async () => {
  const place = await temporaryFolder("belay-dockerfiles-test");
  folder = place.path;
  runs = [];
  say = (text, Target) => [
    { Target, Class: "config", MisconfSummary: { Successes: 1, Failures: text.includes("USER") ? 0 : 1 } },
  ];
  return place.remove;
});

const runner: Runner = async (_command, args, { cwd = "" } = {}) => {
  const ok = { exitCode: 0, stdout: "Version: 0.72.0", stderr: "" };
  if (args[0] === "--version") return ok;
  const copies = join(cwd, "dockerfiles");
  const names = (await readdir(copies)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(copies, name, "Dockerfile"), "utf8")));
  runs.push(texts);
  const Results = texts.flatMap((text, index) => say(text, `${names[index]}/Dockerfile`));
  const report = { SchemaVersion: 2, ArtifactName: "dockerfiles", ArtifactType: "filesystem", Results };
  await writeFile(join(cwd, "report.json"), JSON.stringify(report));
  return ok;
};

async function scan(texts: Readonly<Record<string, string>>, scanners = ["vuln", "misconfig", "secret"] as const) {
  const trivy = await Trivy.open({ runner, redactor: new Redactor() });
  const dockerfiles = Object.entries(texts).map(([path, text]) => ({ path, text }));
  const reports = new ReportCache(join(folder, "reports"));
  return scanDockerfiles({ trivy, dockerfiles, scanners, timeoutMs: 1_000, reports });
}

const targetsOf = (json: string): string[] => JSON.parse(json).Results.map((one: { Target: string }) => one.Target);

describe("Dockerfiles", () => {
  it("are looked at by one run, each text once, and again only by another Trivy or when they change", async () => {
    const [web, api, job] = await scan({ "web/Dockerfile": "FROM a", "api/Dockerfile": "USER 1", "job/x": "FROM a" });
    expect(runs).toEqual([["FROM a", "USER 1"]]);
    expect([web, api, job].map((one) => one?.path)).toEqual(["web/Dockerfile", "api/Dockerfile", "job/x"]);
    expect(targetsOf(String(web?.json))).toEqual(["web/Dockerfile"]);
    expect(targetsOf(String(job?.json))).toEqual(["job/x"]);
    expect(JSON.parse(String(job?.json)).Results[0].MisconfSummary.Failures).toBe(1);
    expect(JSON.parse(String(api?.json)).Results[0].MisconfSummary.Failures).toBe(0);

    await scan({ "elsewhere/Dockerfile": "FROM a", "web/Dockerfile": "FROM b" });
    expect(runs.slice(1)).toEqual([["FROM b"]]);
    await scan({ "web/Dockerfile": "FROM b" }, ["secret"] as never);
    expect(runs).toHaveLength(3);
  });

  it("that nobody could parse are not taken for checked, nor is what lies in the cache for a report of them", async () => {
    say = () => [];
    const [broken] = await scan({ Dockerfile: "FROM" });
    expect(broken).toMatchObject({ path: "Dockerfile", checked: false });
    const reports = join(folder, "reports");
    const [name = ""] = await readdir(reports);
    for (const text of [
      "{",
      JSON.stringify({ SchemaVersion: 2, ArtifactName: sha256("x"), ArtifactType: "filesystem" }),
    ]) {
      await writeFile(join(reports, name), text);
      await scan({ Dockerfile: "FROM" });
    }
    expect(runs).toHaveLength(3);
  });

  it("of which Trivy speaks under another name, or in another form, are not scanned", async () => {
    say = () => [{ Target: "etc/passwd", Class: "secret" }];
    await expect(scan({ Dockerfile: "FROM a" })).rejects.toMatchObject({ obstacle: "broken_report" });
    say = (_text, Target) => [{ Target, Class: "secret", Secrets: [{ RuleID: "x", Severity: "WORSE" }] }];
    await expect(scan({ Dockerfile: "FROM a" })).rejects.toMatchObject({ obstacle: "broken_report" });
  });

  it("are looked at for nothing when nothing is asked for that one can have", async () => {
    expect(await scan({ Dockerfile: "FROM a" }, ["vuln", "license"] as never)).toEqual([]);
    expect(await scan({})).toEqual([]);
    expect(runs).toEqual([]);
  });

  it("leave no line around a finding in the report, and have a path that is a URI for SARIF", async () => {
    say = (_text, Target) => [
      {
        Target,
        Class: "secret",
        Secrets: [{ RuleID: "x", Severity: "LOW", Match: "ENV C=hunter2 A=****", Code: { Lines: ["B=hunter2"] } }],
      },
      {
        ...{ Target, Class: "config" },
        Misconfigurations: [
          { ID: "DS-0002", Severity: "HIGH", CauseMetadata: { StartLine: 3, Code: { Lines: ["hunter2"] } } },
        ],
      },
    ];
    const [found] = await scan({ "a:%20\n/b:c/Dockerfile": "FROM a" });
    expect(found?.json).not.toContain("hunter2");
    expect(JSON.parse(String(found?.json)).Results[1].Misconfigurations[0].CauseMetadata).toEqual({ StartLine: 3 });
    expect(targetsOf(String(found?.json))[0]).toBe("a%3A%2520%0A/b:c/Dockerfile");
  });
});
