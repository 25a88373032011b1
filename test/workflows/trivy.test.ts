/**
 * `actions/trivy` in a real workflow: the real Trivy on an image of two platforms in a real registry, in a repository
 * that tries to make it see nothing.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { databaseFileOf, parseReport, scopeFileOf, TRIVY_ACTION_RULES } from "@belay/scan";
import {
  checkOutSuite,
  createRepository,
  describeRun,
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
import { ROOT, readText } from "../structure/source-files.ts";

const SUITE = `belay-deploy/belay@${"0".repeat(40)}`;
const STAND_IN = join(ROOT, "test/fixtures/actions/trivy-action");
const NOTHING = join(ROOT, "test/fixtures/actions/nothing");

/** A checkout of trivy-action at the pinned commit, where somebody has one. Otherwise its stand-in runs, and the test says so. */
const REAL = process.env.BELAY_TRIVY_ACTION;
/** SHA-256 of its two files at that commit. */
const REAL_FILES = {
  "action.yaml": "c3cc09c5daa296bc02a1651f6ad1205c6839ac9f0f317ffb204bd5e641a57d73",
  "entrypoint.sh": "5d35de70292a3461e55874ca658b3d8f6a56acc4d7098c64e546d965c34a0067",
};

const ACTION = parse(readText("actions/trivy/action.yml")) as {
  inputs: Record<string, { default?: string }>;
  runs: { steps: { uses?: string; with?: Record<string, string> }[] };
};

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
  await repository.commit("first", {
    // Each of them would hide something, if Trivy read it.
    ".trivyignore": `${LODASH.join("\n")}\n`,
    "trivy.yaml": "severity: [LOW]\nscan: { scanners: [license] }\n",
    "trivy-secret.yaml": "disable-rules: [github-pat]\n",
    "trivy_envs.txt": "export TRIVY_SEVERITY=LOW\ntouch hostile\n",
  });
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
}

/** Runs the wrapper with these inputs, and gives what trivy-action was called with. */
async function scan(inputs: Readonly<Record<string, string>>, action = STAND_IN): Promise<Scanned> {
  const steps = [
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
    localRepositories: { [SUITE]: suite.folder, ...foreign(action) },
  });
  const lines = (await readFile(record, "utf8")).split("\n").filter((line) => line !== "");
  const outputs = JSON.parse(await readFile(join(keep, "outputs.json"), "utf8")) as Record<string, string>;
  const paths = (outputs.report ?? "").split("\n").filter((path) => path !== "");
  const reports = paths.map((path) => join(keep, basename(path)));
  return { run, calls: lines.map((line) => JSON.parse(line) as Called), outputs, reports };
}

/** Every pin of the wrapper, and those of trivy-action itself, which it names and does not use. */
function foreign(action: string): Record<string, string> {
  const pins = ACTION.runs.steps.flatMap((step) => step.uses ?? []);
  const inner =
    action === STAND_IN
      ? []
      : [...readFileSync(join(action, "action.yaml"), "utf8").matchAll(/uses: (\S+@[0-9a-f]{40})/g)];
  return Object.fromEntries([...pins.map((pin) => [pin, action]), ...inner.map(([, pin]) => [pin ?? "", NOTHING])]);
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
    reports: paths,
  } = await scan({ ...both(), ...download(), scanners: "vuln, secret", timeout: "10m" });
  expect(run.conclusion, describeRun(run)).toBe("success");
  expect(outputs).toMatchObject({ outcome: "succeeded", "exit-code": "0", platforms: "linux/amd64,linux/arm64" });
  const reports = await Promise.all(paths.map(async (path) => parseReport(await readFile(path, "utf8"))));
  expect(reports.map(({ platform, findings }) => [platform, findings.map(({ id }) => id).sort()])).toEqual([
    ["linux/amd64", [...LODASH, "github-pat"]],
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
  expect(existsSync(join(repository.folder, "hostile"))).toBe(false);
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
  const { run, calls, outputs } = await scan({ ...both(), "image-ref": hostile });
  expect(run.conclusion).toBe("failure");
  expect(outputs).toMatchObject({ outcome: "invalid_input", "exit-code": "2", report: "" });
  expect(calls).toEqual([]);
  expect(existsSync(join(repository.folder, "hostile"))).toBe(false);
});

it("does what trivy-action itself does with the same inputs, where that is on this machine", async () => {
  const inputs = { ...both(), ...download(), scanners: "vuln,secret" };
  const actions = [STAND_IN];
  if (REAL === undefined) {
    console.info("trivy-action itself is not on this machine (BELAY_TRIVY_ACTION): only its stand-in was run.");
  } else {
    for (const [name, sum] of Object.entries(REAL_FILES)) {
      expect(
        createHash("sha256")
          .update(readFileSync(join(REAL, name)))
          .digest("hex"),
        name,
      ).toBe(sum);
    }
    actions.push(REAL);
  }
  const seen = [];
  for (const action of actions) {
    const { run, reports } = await scan(inputs, action);
    expect(run.conclusion, describeRun(run)).toBe("success");
    seen.push(await Promise.all(reports.map(async (path) => withoutTime(await readFile(path, "utf8")))));
  }
  expect(seen[0]).toHaveLength(2);
  for (const reports of seen) expect(reports).toEqual(seen[0]);
  const file = join(REAL ?? STAND_IN, REAL === undefined ? "action.yml" : "action.yaml");
  const names = Object.keys((parse(readFileSync(file, "utf8")) as { inputs: object }).inputs);
  expect(names.sort()).toEqual(Object.keys(TRIVY_ACTION_RULES).sort());
  expect(existsSync(join(repository.folder, "hostile"))).toBe(false);
});

function withoutTime(json: string): object {
  const { CreatedAt: _at, ReportID: _id, ...rest } = JSON.parse(json) as { CreatedAt: string; ReportID?: string };
  return rest;
}
