/**
 * `actions/trivy` in a real workflow: the real Trivy on an image of two platforms in a real registry, in a repository
 * that tries to make it see nothing.
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createRunner, Redactor } from "@belay/core";
import { databaseFileOf, parseReport, scopeFileOf, TRIVY_ACTION_RULES } from "@belay/scan";
import {
  checkOutSuite,
  createRepository,
  describeRun,
  ensureTools,
  runWorkflow,
  SCAN_FILES,
  type SuiteCheckout,
  stepOf,
  type ThrowawayRepository,
  type WorkflowRun,
} from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { LODASH, type ScanStand, STAND_MS, startScanStand } from "../engines/scan-stand.ts";
import { serveTrivyRelease, type TrivyRelease } from "../engines/trivy-release.ts";
import { ROOT } from "../structure/source-files.ts";
import { repositoriesOf, STAND_IN, TRIVY_ACTIONS } from "./trivy-action.ts";

const SUITE = `belay-deploy/belay@${"0".repeat(40)}`;
const CHECKOUT = `actions/checkout@${"1".repeat(40)}`;

/** Each of them hides something from a Trivy that reads it. */
const HIDING = {
  ".trivyignore": `${LODASH.join("\n")}\n`,
  "trivy.yaml": "severity: [LOW]\nscan: { scanners: [license] }\n",
  "trivy-secret.yaml": "disable-rules: [github-pat]\n",
};
/** trivy-action's own script reads it, as a shell does. */
const ENVS = { "trivy_envs.txt": "export TRIVY_SEVERITY=LOW\ntouch hostile\n" };
/** All that there is in the image, of those that are looked for without a word. */
const FOUND = [...LODASH, "github-pat"];

let stand: ScanStand;
let release: TrivyRelease;
let suite: SuiteCheckout;
let repository: ThrowawayRepository;
let image: string;
/** The same image on disk. */
let layout: string;

beforeAll(async () => {
  stand = await startScanStand();
  release = await serveTrivyRelease(stand.folder);
  suite = await checkOutSuite();
  const layers = [SCAN_FILES.debian, SCAN_FILES.oldLodash, SCAN_FILES.secret];
  const both = await stand.image({ "linux/amd64": layers, "linux/arm64": [SCAN_FILES.debian] });
  layout = both.path;
  image = await both.push(stand.registry.url, "acme/shop");
  repository = await createRepository({ slug: "acme/shop" });
  await repository.commit("first", { ...HIDING, ...ENVS });
}, STAND_MS);

afterAll(async () => {
  await repository?.remove();
  await suite?.remove();
  await release?.[Symbol.asyncDispose]();
  await stand?.[Symbol.asyncDispose]();
});

/** Keeps what the wrapper gave: the runner's temporary folder goes with the run. */
const AFTER_ENV = { SEEN: "\u0024{{ toJSON(steps.trivy.outputs) }}", REPORT: "\u0024{{ steps.trivy.outputs.report }}" };
const AFTER = `printf '%s' "$SEEN" > "$BELAY_RIG_KEEP/outputs.json"
ls -A > "$BELAY_RIG_KEEP/workspace.txt"
while read -r path; do [ -z "$path" ] || cp "$(dirname "$path")"/*.json "$BELAY_RIG_KEEP"; done <<< "$REPORT"`;

interface Called {
  readonly inputs: Readonly<Record<string, string>>;
  readonly trivy: Readonly<Record<string, string>>;
}

interface Scanned {
  readonly run: WorkflowRun;
  readonly calls: readonly Called[];
  readonly outputs: Readonly<Record<string, string>>;
  /** Copies of the reports. */
  readonly reports: readonly string[];
  /** Names in the workspace, after it all. */
  readonly workspace: readonly string[];
}

/** Runs the wrapper with these inputs, and gives what trivy-action was called with. */
async function scan(inputs: Readonly<Record<string, string>>, action = STAND_IN): Promise<Scanned> {
  const steps = [
    { uses: CHECKOUT, with: { "persist-credentials": false } },
    { id: "trivy", uses: SUITE.replace("@", "/actions/trivy@"), with: inputs },
    { id: "after", if: "always()", env: AFTER_ENV, run: AFTER },
  ];
  const env = { TRIVY_SKIP_DB_UPDATE: "true", TRIVY_OFFLINE_SCAN: "true" };
  const jobs = { scan: { "runs-on": "ubuntu-latest", env, steps } };
  const workflow = ".github/workflows/scan.yml";
  await repository.commit("workflow", {
    [workflow]: JSON.stringify({ name: "Scan", on: "push", permissions: {}, jobs }),
  });
  const keep = join(stand.folder, stand.fresh("kept"));
  await mkdir(keep);
  const record = join(keep, "calls.txt");
  await writeFile(record, "");
  const run = await runWorkflow({
    workflow,
    eventName: "push",
    repositoryFolder: repository.folder,
    env: { BELAY_RIG_RECORD: record, BELAY_RIG_KEEP: keep, RUNNER_TOOL_CACHE: join(stand.folder, "tools") },
    localRepositories: {
      [SUITE]: suite.folder,
      [CHECKOUT]: join(ROOT, "test/fixtures/actions/checkout"),
      ...repositoriesOf(action),
    },
  });
  const lines = (await readFile(record, "utf8")).split("\n").filter((line) => line !== "");
  const outputs = JSON.parse(await readFile(join(keep, "outputs.json"), "utf8")) as Record<string, string>;
  const paths = (outputs.report ?? "").split("\n").filter((path) => path !== "");
  const reports = paths.map((path) => join(keep, basename(path)));
  const workspace = (await readFile(join(keep, "workspace.txt"), "utf8")).trim().split("\n");
  return { run, calls: lines.map((line) => JSON.parse(line) as Called), outputs, reports, workspace };
}

const download = () => ({ version: "v0.72.0", checksum: release.checksum, mirror: release.mirror });
const both = () => ({
  "image-ref": image,
  platforms: "linux/amd64,linux/arm64",
  "cache-dir": join(stand.folder, "cache"),
});

it("scans each platform with a Trivy of the right checksum, whatever the repository says", async () => {
  const {
    run,
    calls,
    outputs,
    workspace,
    reports: paths,
  } = await scan({ ...both(), ...download(), scanners: "vuln, secret", timeout: "10m" });
  expect(run.conclusion, describeRun(run)).toBe("success");
  expect(outputs).toMatchObject({ outcome: "succeeded", "exit-code": "0", platforms: "linux/amd64,linux/arm64" });
  const reports = await Promise.all(paths.map(async (path) => parseReport(await readFile(path, "utf8"))));
  expect(reports.map(({ platform, findings }) => [platform, findings.map(({ id }) => id).sort()])).toEqual([
    ["linux/amd64", FOUND],
    ["linux/arm64", []],
  ]);
  expect(JSON.parse(await readFile(databaseFileOf(paths[0] ?? ""), "utf8"))).toMatchObject({ schema: 2 });
  for (const path of paths) {
    expect(JSON.parse(await readFile(scopeFileOf(path), "utf8"))).toEqual({ scanners: ["vuln", "secret"] });
  }
  expect(calls).toHaveLength(2);
  for (const { inputs, trivy } of calls) {
    expect(inputs).toMatchObject({ format: "json", "exit-code": "0", "skip-setup-trivy": "true", "image-ref": image });
    expect(inputs.scanners).toBe("vuln,secret");
    expect(trivy.TRIVY_CMD).toContain(release.checksum);
  }
  expect(calls.map(({ trivy }) => trivy.TRIVY_PLATFORM)).toEqual(["linux/amd64", "linux/arm64"]);
  expect(calls.map(({ trivy }) => trivy.TRIVY_IMAGE_CONFIG_SCANNERS)).toEqual(["secret", "secret"]);
  expect(workspace).toEqual(expect.arrayContaining(Object.keys(HIDING)));
  expect(workspace).not.toContain("hostile");
});

it("scans every platform of an image on disk, and says what it did not look for", async () => {
  const cache = { "cache-dir": join(stand.folder, "cache") };
  const part = { scanners: "secret", "skip-files": "app/nothing" };
  const { run, calls, outputs, reports } = await scan({ ...cache, ...download(), ...part, input: layout });
  expect(run.conclusion, describeRun(run)).toBe("success");
  expect(outputs).toMatchObject({ outcome: "succeeded", platforms: "linux/amd64,linux/arm64" });
  expect(calls).toHaveLength(2);
  const found = await Promise.all(reports.map(async (path) => parseReport(await readFile(path, "utf8"))));
  expect(found.map(({ platform, findings }) => [platform, findings.map(({ id }) => id)])).toEqual([
    ["linux/amd64", ["github-pat"]],
    ["linux/arm64", []],
  ]);
  for (const path of reports) {
    const scope = JSON.parse(await readFile(scopeFileOf(path), "utf8"));
    expect(scope).toEqual({ scanners: ["secret"], skipped: ["app/nothing"] });
    expect(existsSync(databaseFileOf(path))).toBe(false);
  }
});

it("runs no Trivy whose checksum is another", async () => {
  const { run, calls, outputs } = await scan({ ...both(), ...download(), checksum: "ab".repeat(32) });
  expect(run.conclusion).toBe("failure");
  expect(outputs).toMatchObject({ outcome: "scan_could_not_run", "exit-code": "11", report: "" });
  expect(stepOf(run, "scan", "trivy/check").annotations[0]?.message).toContain("thrown away and not executed");
  expect(calls).toEqual([]);
});

it("says could not scan, and never vulnerable or clean, when Trivy fails", async () => {
  const nowhere = `${stand.registry.address}/acme/nowhere:1`;
  const { run, outputs } = await scan({ ...both(), ...download(), "image-ref": nowhere });
  expect(run.conclusion).toBe("failure");
  expect(outputs).toMatchObject({ outcome: "scan_could_not_run", "exit-code": "11", report: "" });
});

it("refuses a platform that the image has not, instead of scanning another one", async () => {
  const { run, outputs } = await scan({ ...both(), ...download(), platforms: "linux/s390x" });
  expect(run.conclusion).toBe("failure");
  expect(outputs).toMatchObject({ outcome: "scan_could_not_run", report: "" });
});

it("lets no hostile value through to trivy-action, a shell or the log's commands", async () => {
  const hostile = `x\n::set-output name=outcome::succeeded\n$(touch hostile)\`touch hostile\`"; touch hostile; "`;
  const { run, calls, outputs, workspace } = await scan({ ...both(), "image-ref": hostile });
  expect(run.conclusion).toBe("failure");
  expect(outputs).toMatchObject({ outcome: "invalid_input", "exit-code": "2", report: "" });
  expect(calls).toEqual([]);
  expect(workspace).not.toContain("hostile");
});

it.each(Object.entries(HIDING))("would see less if Trivy read the repository's %s", async (name, text) => {
  const folder = join(stand.folder, stand.fresh("read"));
  await mkdir(folder);
  await writeFile(join(folder, name), text);
  const { trivy } = await ensureTools(["trivy"]);
  const args = ["image", "--format=json", "--output=report.json", "--skip-db-update", "--offline-scan"];
  const places = [`--cache-dir=${join(stand.folder, "cache")}`, "--cache-backend=memory", `--input=${layout}`];
  await createRunner(new Redactor())(trivy, [...args, ...places], { cwd: folder, deadlineMs: 120_000 });
  const { findings } = parseReport(await readFile(join(folder, "report.json"), "utf8"));
  const seen = findings.map(({ id }) => id);
  expect(FOUND.filter((id) => seen.includes(id)).length).toBeLessThan(FOUND.length);
});

/** Inputs that mean the same to trivy-action, written as users write them, and what is found on linux/amd64. */
const SAME: readonly (readonly [string, () => Readonly<Record<string, string>>, readonly string[]])[] = [
  ["an image in a registry", () => ({ ...both(), scanners: "vuln,secret" }), FOUND],
  [
    "a part of an image on disk",
    () => ({
      input: layout,
      "cache-dir": join(stand.folder, "cache"),
      scanners: "vuln, secret, misconfig",
      "vuln-type": "os, library",
      "skip-files": "app/none, app/settings.sh",
      "skip-dirs": "usr/share/**, srv",
      timeout: "10m",
      "hide-progress": "true",
    }),
    LODASH,
  ],
];

it.each(SAME)(
  "does with %s what trivy-action itself does, where that is on this machine",
  async (_name, inputs, found) => {
    const seen = [];
    for (const action of TRIVY_ACTIONS) {
      const { run, outputs, reports, workspace, calls } = await scan({ ...inputs(), ...download() }, action);
      expect(run.conclusion, describeRun(run)).toBe("success");
      expect(calls).toHaveLength(2 * action.recordsPerCall);
      expect(workspace).toEqual(expect.arrayContaining(Object.keys(HIDING)));
      expect(workspace).not.toContain("hostile");
      const [first = ""] = (outputs.report ?? "").split("\n");
      const texts = await Promise.all(reports.map((path) => readFile(path, "utf8")));
      seen.push(texts.map((text) => withoutTime(text.replaceAll(dirname(first), ""))));
      expect(
        texts.map((text) =>
          parseReport(text)
            .findings.map(({ id }) => id)
            .sort(),
        ),
      ).toEqual([found, []]);
    }
    for (const reports of seen) expect(reports).toEqual(seen[0]);
  },
);

it.each(TRIVY_ACTIONS)("knows every input of $name", ({ folder, file }) => {
  const { inputs } = parse(readFileSync(join(folder, file), "utf8")) as { inputs: object };
  expect(Object.keys(inputs).sort()).toEqual(Object.keys(TRIVY_ACTION_RULES).sort());
});

function withoutTime(json: string): object {
  const { CreatedAt: _at, ReportID: _id, ...rest } = JSON.parse(json) as { CreatedAt: string; ReportID?: string };
  return rest;
}
