/** Hostile text in what no input says: who pushed, what earlier steps and other people left, what the engine answers. */
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { mapBounded } from "@belay/core";
import { type Cluster, parseCommandFile, useKubernetes } from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { action } from "./action-files.ts";
import { ClusterStage, GO, openSwarm, talking } from "./engine-stages.ts";
import { type HostileValues, hostileValues } from "./hostile-values.ts";
import { type Attempt, type AttemptOptions, type CommitWords, InjectionStand } from "./injection-stand.ts";
import { liveMarkdown } from "./live-markdown.ts";
import { commandOptions, rightInputs, rightStep, stepOptions } from "./steps.ts";
import { withEachText } from "./with-each-text.ts";
import { wrongWithProcess, wrongWithStep } from "./wrong-with.ts";

const LANE = "injectionc";
const TESTS_MS = 900_000;
const STAND_MS = 45 * 60_000;

type Values = Readonly<Record<string, string>>;

let stand: InjectionStand;
let cluster: Cluster;
let hostile: HostileValues;

beforeAll(async () => {
  [stand, cluster] = await Promise.all([InjectionStand.open(), useKubernetes()]);
  hostile = hostileValues(join(stand.canaries, "hit"));
  stand.onEnd(LANE);
  await stand.commit("first");
  const job = await stand.newJob();
  for (const stage of ["build", "scan", "push", "deploy"] as const) {
    const path = `actions/${stage}/action.yml`;
    const more = stage === "build" ? { "from-image": stand.imageOf("first") } : {};
    await rightStep(stand, path, rightInputs(stand, path, LANE, more), { job });
    if (stage !== "deploy") await stand.keep(job, stage);
  }
}, STAND_MS);

afterAll(async () => {
  await stand?.[Symbol.asyncDispose]();
  await cluster?.stop();
});

interface Step extends Partial<Omit<AttemptOptions, "env">> {
  readonly inputs?: Values;
  readonly env?: Values;
  readonly job?: string;
}

/** Runs an action; nothing may have been obeyed. */
async function step(
  name: string,
  { inputs = {}, env = {}, job, ...more }: Step = {},
): Promise<Attempt & { outcome: string }> {
  const path = name === "belay" ? "action.yml" : `actions/${name}/action.yml`;
  const options = stepOptions(stand, path, rightInputs(stand, path, LANE, inputs));
  const before = job === undefined ? {} : { after: "nothing" as const };
  const attempt = await stand.run({ ...options, ...before, ...more, env: { ...options.env, ...env } }, job);
  const place = { canaries: stand.canaries, outputs: Object.keys(action(path).outputs) };
  expect(await wrongWithStep(attempt, place), attempt.stdout).toEqual([]);
  return { ...attempt, outcome: parseCommandFile(attempt.output).outcome ?? "" };
}

/** Where a step takes place: on which of the engines. */
interface On {
  readonly inputs: Values;
  readonly checkout: string;
}

/** What the runner tells of what caused the run. */
interface Caused {
  readonly env?: Values;
  readonly event?: object;
}

const here = (): On => ({ inputs: { environment: "test", project: LANE }, checkout: stand.repository });

/** The same for a command of the command line, as text for people and as JSON. */
async function commandLine(name: string, { env = {}, event }: Caused = {}, on = here()): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  for (const json of [[], ["--json"]]) {
    const { args = [], ...options } = commandOptions(stand, ".", name, on.inputs);
    const caused = { env: { ...options.env, ...env }, ...(event === undefined ? {} : { event }) };
    const place = { ...options, ...caused, args: [...args, ...json], checkout: on.checkout };
    const attempt = await stand.run(place);
    expect(await wrongWithProcess(attempt, { canaries: stand.canaries }), attempt.stdout + attempt.stderr).toEqual([]);
    attempts.push(attempt);
  }
  return attempts;
}

/** Of somebody's pull request. */
function pullRequest(words: Required<Omit<CommitWords, "command">>) {
  const { title, login, branch, message, author } = words;
  const repo = { full_name: "acme/shop", default_branch: branch, html_url: title };
  const commit = { message, author: { name: author, email: author } };
  const event = {
    ...{ action: title, number: 7, sender: { login }, repository: repo, ref: branch, head_commit: commit },
    pull_request: {
      ...{ number: 7, title, body: message, html_url: title, user: { login } },
      head: { ref: branch, sha: stand.sha, label: branch, repo },
      base: { ref: branch, sha: stand.sha, label: branch, repo },
    },
  };
  const env = {
    ...{ GITHUB_EVENT_NAME: "pull_request", GITHUB_REF: `refs/heads/${branch}`, GITHUB_REF_NAME: branch },
    ...{ GITHUB_HEAD_REF: branch, GITHUB_BASE_REF: branch, GITHUB_ACTOR: login, GITHUB_TRIGGERING_ACTOR: login },
    ...{ GITHUB_WORKFLOW: title, GITHUB_ACTION: title },
  };
  return { event, env };
}

const oneLine = (text: string): string => text.replace(/[\r\n<>]/g, " ");

describe("hostile text of who pushed", () => {
  it.each(["word", "lines", "line", "flag"] as const)(
    "in branch, title, message and names, as %s",
    async (kind) => {
      const text = hostile[kind];
      const words = { message: text, author: oneLine(text), title: text, login: text, branch: text };
      await stand.commit(`pushed-${kind}`, { ...words, branch: "topic" });
      const { event, env } = pullRequest(words);
      const job = await stand.newJob();
      const told: string[] = [];
      for (const name of ["build", "scan", "push", "plan", "deploy", "report"]) {
        const inputs: Values = name === "build" ? { "from-image": stand.imageOf(`pushed-${kind}`) } : {};
        const { outcome, stdout } = await step(name, { inputs, event, env, job });
        if (!/^(succeeded|unchanged)$/.test(outcome)) told.push(`${name}: ${outcome} ${stdout}`);
      }
      expect(told).toEqual([]);
      const [text1] = await commandLine("status", { env, event });
      expect(text1?.exitCode, text1?.stderr).toBe(0);
    },
    TESTS_MS,
  );
});

describe("hostile text of the application", () => {
  it(
    "in what it writes before it dies is shown, and obeyed by nobody",
    async () => {
      const script = `for (const text of ${JSON.stringify(Object.values(hostile))}) { console.log(text); console.error(text); } process.exit(1)`;
      await stand.commit("dies", { command: ["node", "-e", script] });
      const job = await stand.newJob();
      await step("build", { inputs: { "from-image": stand.imageOf("dies") }, job });
      for (const name of ["scan", "push"]) await step(name, { job });
      const { outcome, stdout } = await step("deploy", { job });
      expect(outcome, stdout).toBe("rolled_back");
      await step("report", { job });
      await commandLine("report");
      for (const name of ["plan", "status", "reconcile"]) await commandLine(name);
      expect(stand.told().at(-1)).toContain("set-output name=outcome");
    },
    TESTS_MS,
  );

  it(
    "in labels of an image that somebody else built",
    async () => {
      const image = `${stand.registry.address}/acme/foreign:1`;
      const file = join(stand.folder, "foreign/Dockerfile");
      await mkdir(dirname(file), { recursive: true });
      const keys = ["revision", "source", "title", "authors", "version", "url", "created"];
      const texts = Object.values(hostile) as string[];
      const labels = keys.map((key, at) => `--label=org.opencontainers.image.${key}=${texts[at % texts.length]}`);
      await writeFile(file, `FROM ${stand.imageOf("first")}\n`);
      await stand.docker(["build", "--quiet", "--tag", image, ...labels, dirname(file)]);
      await stand.docker(["push", "--quiet", image]);
      await stand.docker(["image", "rm", image]);
      const checkout = await stand.checkOut("foreign-checkout");
      const config = parse(await readFile(join(checkout, "belay.yaml"), "utf8"));
      config.services.web = { image };
      await writeFile(join(checkout, "belay.yaml"), JSON.stringify(config));
      for (const name of ["plan", "deploy", "report"]) {
        const { outcome, stdout } = await step(name, { checkout, after: "nothing" });
        expect(outcome, stdout).toMatch(/^(succeeded|unchanged)$/);
      }
      await commandLine("status");
    },
    TESTS_MS,
  );

  it(
    "in names and labels of what else is in its project",
    async () => {
      for (const [at, text] of (Object.values(hostile) as string[]).entries()) {
        const labels = {
          "com.docker.compose.project": LANE,
          "com.docker.compose.service": text,
          "com.docker.compose.config-hash": text,
          "com.docker.compose.container-number": text,
        };
        const words = Object.entries(labels).map(([name, value]) => `--label=${name}=${value}`);
        await stand.docker(["create", `--name=${LANE}-stranger-${at}`, ...words, stand.imageOf("first")]);
      }
      for (const name of ["plan", "deploy", "report"]) await step(name);
      for (const name of ["status", "plan", "reconcile"]) await commandLine(name);
    },
    TESTS_MS,
  );
});

describe("hostile text of another engine", () => {
  const texts = (): string[] => Object.values(hostile);

  /** The image of the first commit, as it was pushed. */
  async function first(): Promise<string> {
    const { services } = JSON.parse(await readFile(join(stand.folder, "after/push/release.json"), "utf8"));
    return `${services.web.repository}@${services.web.digest}`;
  }

  /** Builds and pushes that commit's image, for another environment. */
  async function pushed(version: string): Promise<string> {
    const job = await stand.newJob();
    await step("build", { inputs: { "from-image": stand.imageOf(version) }, job });
    expect((await step("push", { inputs: { scan: "off" }, job })).outcome).toBe("succeeded");
    return job;
  }

  /** Deploys it, which fails; looks at what is told everywhere. `meanwhile`: while the deployment goes on. */
  async function fails(version: string, on: On, meanwhile: () => Promise<void> = async () => undefined) {
    const job = await pushed(version);
    const [{ outcome, stdout }] = await Promise.all([step("deploy", { ...on, job }), meanwhile()]);
    expect(outcome, stdout).toBe("rolled_back");
    expect(stdout.length).toBeLessThan(300_000);
    await step("report", { ...on, job });
    await commandLine("status", {}, on);
    return { job, told: stand.told().at(-1) ?? "" };
  }

  it(
    "on a swarm: of logs, health checks, a task's error, and labels",
    async () => {
      const inputs = { environment: "swarm", project: "" };
      const on = { inputs, checkout: await openSwarm(stand, { stack: LANE, image: await first(), texts: texts() }) };
      const { outcome, stdout } = await step("deploy", on);
      expect(outcome, stdout).toMatch(/^(succeeded|unchanged)$/);
      await stand.commit("sick", { command: talking(texts(), "setInterval(() => {}, 1e6)") });
      const sick = await fails("sick", on);
      for (const text of ["unhealthy", "set-output name=outcome"]) expect(sick.told).toContain(text);
      await stand.commit("nowhere", { command: [hostile.word] });
      const { told, job } = await fails("nowhere", on);
      expect(told).toContain("canaries/hit");
      const names = ["deployment", "release", "revision", "update-config", "service", "application", "environment"];
      for (const labelled of [names, [...names, "scope"]]) {
        const labels = labelled.map((name, at) => `--label-add=dev.belay.${name}=${texts()[at % 4]}`);
        await stand.docker(["service", "update", "--detach", ...labels, `${LANE}_web`]);
        await step("plan", { ...on, job });
      }
      expect((await step("plan", { ...on, job })).outcome).toBe("refused");
      await commandLine("status", {}, on);
    },
    TESTS_MS,
  );

  it(
    "on a cluster: of logs, last words, events, conditions, and annotations",
    async () => {
      const stage = await ClusterStage.open(stand, cluster, `belay-outside-${process.pid}`, await first());
      try {
        const on = { inputs: { environment: "cluster", project: "" }, checkout: stage.checkout };
        const names = ["release", "application", "environment", "service", "restored-by", "copy-of"];
        await stage.annotate(Object.fromEntries(names.map((name, at) => [`belay.dev/${name}`, texts()[at % 4] ?? ""])));
        const last = `fs.writeFileSync("/dev/termination-log", ${JSON.stringify(`last words ${texts().join("\n")}`)});`;
        const then = `${last} setInterval(() => fs.existsSync("${GO}") && process.exit(1), 100)`;
        await stand.commit("haunted", { command: talking(texts(), then) });
        const { told, job } = await fails("haunted", on, () => stage.haunt("haunted", texts()));
        for (const text of ["set-output name=outcome", "its last words: last words", "Hostile: event"]) {
          expect(told).toContain(text);
        }
        await stage.annotate({ "belay.dev/depends-on": hostile.line });
        await step("plan", { ...on, job });
        const owner = "argocd.argoproj.io/tracking-id";
        await stage.annotate({ "belay.dev/depends-on": null, [owner]: hostile.line });
        expect((await step("plan", { ...on, job })).outcome).toBe("refused");
      } finally {
        await stage.remove();
      }
    },
    TESTS_MS,
  );
});

/** Tries a file of a checkout with each of its texts replaced, and says what was wrong. */
async function eachText(
  document: unknown,
  text: string,
  attempt: (changed: string, folder: string) => Promise<unknown>,
  options: { readonly names?: boolean } = {},
): Promise<void> {
  const all = withEachText(document, text, options.names);
  expect(all.length).toBeGreaterThan(5);
  const wrong = await mapBounded([...all.entries()], 2, undefined, async ([at, changed]) => {
    const folder = await stand.checkOut(`changed-${++checkouts}-${at}`);
    try {
      await attempt(JSON.stringify(changed), folder);
      return [];
    } catch (error) {
      return [`${JSON.stringify(changed)}: ${error}`];
    }
  });
  expect(wrong.flat()).toEqual([]);
}
let checkouts = 0;

describe("hostile text in each text of a file", () => {
  const all = (): string => `${hostile.line}\n${hostile.lines}`;

  it(
    "release.json, as from an artifact",
    async () => {
      const release = JSON.parse(await readFile(join(stand.folder, "after/push/release.json"), "utf8"));
      await eachText(
        release,
        all(),
        async (changed, folder) => {
          await writeFile(join(folder, "changed.json"), changed);
          await step("plan", { inputs: { release: "changed.json" }, checkout: folder });
        },
        { names: false },
      );
    },
    TESTS_MS,
  );

  it(
    "belay.yaml",
    async () => {
      const config = parse(await readFile(join(stand.repository, "belay.yaml"), "utf8"));
      await eachText(config, all(), async (changed, folder) => {
        await writeFile(join(folder, "belay.yaml"), changed);
        await step("plan", { inputs: { project: "" }, checkout: folder });
      });
    },
    TESTS_MS,
  );

  it(
    "compose.yaml",
    async () => {
      const file = parse(await readFile(join(stand.repository, "compose.yaml"), "utf8"));
      file.services.web.labels = { a: "b" };
      file.services.web.volumes = ["data:/data"];
      file.volumes = { data: { name: "data" } };
      await eachText(file, all(), async (changed, folder) => {
        await writeFile(join(folder, "compose.yaml"), changed);
        await step("plan", { checkout: folder });
      });
    },
    TESTS_MS,
  );

  it.each(["word", "lines", "line", "flag"] as const)(
    "a scanner's report, as %s",
    async (kind) => {
      const text = hostile[kind];
      const report = JSON.parse(await readFile(join(stand.folder, "report.json"), "utf8"));
      const found = { Severity: "CRITICAL", Title: text, PrimaryURL: text, Layer: { CreatedBy: text, DiffID: text } };
      const installed = { PkgName: text, PkgPath: text, InstalledVersion: text, FixedVersion: text, Status: "fixed" };
      report.Results = [
        ...report.Results,
        {
          ...{ Target: text, Class: "lang-pkgs", Type: text },
          Vulnerabilities: [{ ...found, ...installed, VulnerabilityID: text, VendorIDs: [text] }],
          Secrets: [{ ...found, RuleID: text, Category: text, StartLine: 1 }],
          Misconfigurations: [{ ...found, ID: text, Message: text, Resolution: text, Status: "FAIL" }],
          Licenses: [{ ...found, Name: text, Category: text, PkgName: text, FilePath: text, Link: text }],
        },
      ];
      const checkout = await stand.checkOut(`report-${kind}`);
      await writeFile(join(checkout, "report.json"), JSON.stringify(report));
      await writeFile(join(checkout, ".trivyignore"), `# ${text}\n`);
      const job = await stand.newJob();
      await cp(join(stand.folder, "after/build"), join(job, "belay"), { recursive: true });
      const inputs = { report: "report.json", "scan-formats": "" };
      const { outcome, stdout } = await step("scan", { inputs, checkout, job });
      expect(outcome, stdout).toBe("vulnerabilities_found");
      expect(stdout).toContain("/canaries/hit");
      await step("report", { checkout, job });
    },
    TESTS_MS,
  );
});

it("is nowhere alive in what GitHub was told", async () => {
  expect(stand.told().length).toBeGreaterThan(0);
  expect([...new Set(stand.told().flatMap(liveMarkdown))]).toEqual([]);
  expect(stand.github.violations).toEqual([]);
  expect(await readdir(stand.canaries)).toEqual([]);
});
