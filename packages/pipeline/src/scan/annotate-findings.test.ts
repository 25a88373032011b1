import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Annotation, createLog, createRunner, Redactor, workflowStyle } from "@belay/core";
import type { Decision, Finding } from "@belay/scan";
import { type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createContext } from "../testing/create-context.ts";
import { annotateFindings } from "./annotate-findings.ts";
import type { GatedService } from "./gate-services.ts";
import type { Scanned } from "./scan.ts";

let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await temporaryFolder("belay-annotate");
  const files = {
    "shop/web/package-lock.json": "{}\n",
    "shop/web/Dockerfile": "FROM debian:12\n\nRUN apt-get update && apt-get install --yes curl\n",
    "shop/app/a.sh": "",
    "shop/other/a.sh": "",
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), text);
  }
  const run = createRunner(new Redactor());
  for (const words of [
    ["init", "--quiet"],
    ["add", "."],
  ]) {
    await run("git", words, { cwd: folder.path });
  }
});
afterAll(() => folder?.remove());

function decision(id: string, more: Partial<Finding>, effect: Decision["effect"] = "fails"): Decision {
  const finding = {
    ...{ kind: "vulnerability", severity: "HIGH", id, title: `what ${id} is`, target: "debian 12" },
    ...{ package: "curl", installed: "1", fixed: "2", status: "fixed", aliases: [] },
    ...more,
  } as Finding;
  return { finding, effect, because: "" };
}

async function annotated(decisions: readonly Decision[], at = "shop"): Promise<[string, Annotation | undefined][]> {
  const context = createContext(resolve(folder.path, at));
  const seen: [string, Annotation | undefined][] = [];
  const log = { ...context.log, error: (message: string, place?: Annotation) => void seen.push([message, place]) };
  const gated = [{ service: "web", gate: { decisions } } as unknown as GatedService];
  await annotateFindings({ ...context, log }, { gated } as unknown as Scanned);
  return seen;
}

describe("annotations of a scan", () => {
  it("stand at the file, the instruction, or nowhere, by the paths of the repository", async () => {
    const createdBy = "RUN /bin/sh -c apt-get update && apt-get install --yes curl # buildkit";
    const seen = await annotated([
      decision("CVE-1", { layer: { createdBy } }),
      decision("CVE-2", { target: "app/package-lock.json" }),
      decision("CVE-3", { target: "app/a.sh" }),
      decision("CVE-4", {}, "reported"),
      decision("CVE-1", { layer: { createdBy }, platform: "linux/arm64" }),
    ]);
    const title = (id: string): string => `HIGH ${id} in web`;
    expect(seen).toEqual([
      ["curl 1: fixed in 2. what CVE-1 is", { title: title("CVE-1"), file: "shop/web/Dockerfile", line: 3 }],
      ["curl 1: fixed in 2. what CVE-2 is", { title: title("CVE-2"), file: "shop/web/package-lock.json" }],
      ["curl 1: fixed in 2. what CVE-3 is", { title: title("CVE-3"), file: "shop/app/a.sh" }],
    ]);
  });

  it("are nine at the most, and come without places where there is no repository", async () => {
    const many = Array.from({ length: 30 }, (_, index) =>
      decision(`CVE-${index}`, { target: "app/package-lock.json" }),
    );
    expect(await annotated(many)).toHaveLength(9);
    await using outside = await temporaryFolder("belay-annotate");
    const context = createContext(outside.path);
    const gated = [{ service: "web", gate: { decisions: many } } as unknown as GatedService];
    await annotateFindings(context, { gated } as unknown as Scanned);
    expect(context.log.lines).toHaveLength(9);
    expect(context.log.lines[0]).toBe("error: curl 1: fixed in 2. what CVE-0 is");
  });

  it("come of plain and small Dockerfiles only, whatever a pull request has in their place", async () => {
    await using repository = await temporaryFolder("belay-annotate");
    const within = (name: string): string => join(repository.path, name);
    await writeFile(within("Dockerfile"), "RUN plain\n");
    await writeFile(within("large.Dockerfile"), `RUN large\n${"# more of it\n".repeat(100_000)}`);
    await writeFile(within("elsewhere"), "RUN link\n");
    await symlink("elsewhere", within("link.Dockerfile"));
    await writeFile(within("pipe.Dockerfile"), "RUN pipe\n");
    const run = createRunner(new Redactor());
    await run("git", ["init", "--quiet"], { cwd: repository.path });
    await run("git", ["add", "."], { cwd: repository.path });
    await rm(within("pipe.Dockerfile"));
    await run("mkfifo", [within("pipe.Dockerfile")]);
    const names = ["plain", "large", "link", "pipe"];
    const made = names.map((name) => decision(name, { layer: { createdBy: `RUN ${name}` } }));
    const seen = await annotated(made, repository.path);
    expect(seen.flatMap(([, place]) => place?.file ?? [])).toEqual(["Dockerfile"]);
  });

  it("begin with the worst of all services", async () => {
    const high = Array.from({ length: 9 }, (_, index) => decision(`CVE-1${index}`, {}));
    const exploited = { ...decision("CVE-30", {}), threat: { exploitedSince: "2026-01-01" } };
    const gates = { api: high, web: [decision("CVE-20", { severity: "CRITICAL" }), exploited] };
    const gated = Object.entries(gates).map(([service, decisions]) => ({ service, gate: { decisions } }));
    const context = createContext(folder.path);
    const titles: string[] = [];
    const log = { ...context.log, error: (_: string, place?: Annotation) => void titles.push(place?.title ?? "") };
    await annotateFindings({ ...context, log }, { gated } as unknown as Scanned);
    expect(titles.slice(0, 3)).toEqual(["HIGH CVE-30 in web", "CRITICAL CVE-20 in web", "HIGH CVE-10 in api"]);
    expect(titles).toHaveLength(9);
  });

  it("let outside text be no command", async () => {
    const written: string[] = [];
    const log = createLog(workflowStyle(), new Redactor(), (text) => written.push(text));
    const hostile = decision("CVE-1::x,file=/etc/passwd", { title: "a\n::set-output name=x::1\n##[stop-commands]x" });
    const gated = [{ service: "web", gate: { decisions: [hostile] } } as unknown as GatedService];
    await annotateFindings({ ...createContext(folder.path), log }, { gated } as unknown as Scanned);
    expect(written).toEqual([
      "::error title=HIGH CVE-1%3A%3Ax%2Cfile=/etc/passwd in web::curl 1: fixed in 2. a%0A::set-output name=x::1%0A##[stop-commands]x\n",
    ]);
  });
});
