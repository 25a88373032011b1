/** Hostile text in every input of every action and every option of every command, in the built entries: it stays text. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EXIT_CODES, Inputs, isBelayError, mapBounded } from "@belay/core";
import { readLayout } from "@belay/core/oci-layout";
import { loadPipelineInputs, loadPruneInputs, loadRollbackInputs, loadSignInputs } from "@belay/pipeline";
import { TRIVY_ACTION_RULES } from "@belay/scan";
import { parseCommandFile } from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readFailOn } from "../../../packages/action/src/fail-on.ts";
import { COMMANDS } from "../../../packages/cli/src/commands.ts";
import { action, COMPOSITE_ACTIONS, inputsOf, NODE_ACTIONS } from "./action-files.ts";
import { type HostileValues, hostileValues } from "./hostile-values.ts";
import { type Attempt, type AttemptOptions, InjectionStand, REAL_BUILDER } from "./injection-stand.ts";
import { KNOWN_INPUTS } from "./known-inputs.ts";
import { liveMarkdown } from "./live-markdown.ts";
import { command, commandOptions, rightInputs, rightStep, stepOptions } from "./steps.ts";
import { fill, type Trial, trialsOf } from "./trials.ts";
import { wrongWithProcess, wrongWithStep } from "./wrong-with.ts";

const LANES = ["injectiona", "injectionb"] as const;
const TESTS_MS = 900_000;
/** The stand may have to build Trivy, and others may have the processors meanwhile. */
const STAND_MS = 45 * 60_000;

let stand: InjectionStand;
let hostile: HostileValues;

beforeAll(async () => {
  stand = await InjectionStand.open();
  hostile = hostileValues(join(stand.canaries, "hit"));
  for (const project of LANES) stand.onEnd(project);
  for (const name of ["first", "second"] as const) {
    await stand.commit(name);
    const job = await stand.newJob();
    for (const stage of ["build", "scan", "push"] as const) {
      const extra = stage === "build" ? { "from-image": stand.imageOf(name) } : {};
      await right(`actions/${stage}/action.yml`, extra, { job });
      if (name === "second") await stand.keep(job, stage);
    }
    for (const project of LANES) await right("actions/deploy/action.yml", { project }, { job });
  }
  for (const lane of LANES) await stand.checkOut(lane);
  await stand.commit("third");
  for (const lane of LANES) await stand.checkOut(unbuilt(lane));
}, STAND_MS);

afterAll(() => stand?.[Symbol.asyncDispose]());

/** Checkout of a commit that nobody has built: the release of one that is at the registry is taken without a build. */
const unbuilt = (lane: string): string => `${lane}-unbuilt`;

type Values = Readonly<Record<string, string>>;

/** A step with nothing hostile in it. */
function right(path: string, more: Values, place: { job?: string; checkout?: string } = {}): Promise<Attempt> {
  return rightStep(stand, path, rightInputs(stand, path, LANES[0], more), place);
}

const server = (): string => `${stand.registry.url}/v2/`;
const trials = (names: readonly string[], only = (_name: string, _at: number) => true): Trial[] =>
  trialsOf(names, { hostile, server: server(), only });
const valuesOf = (trial: Trial): Values => Object.fromEntries(trial.map(({ name, value }) => [name, value]));

/** The actions that the whole is made of. */
const PARTS = NODE_ACTIONS.filter((path) => path !== "action.yml");

/** Inputs that only mean something where something is built. */
const BUILD_ONLY = inputsOf("actions/build/action.yml").filter(
  (name) => !inputsOf("actions/deploy/action.yml").includes(name),
);

/** What a value needs beside it. */
function besides(trial: Trial): Values {
  const more: Values = Object.assign({}, ...trial.map(({ known }) => known.with ?? {}));
  return more.target === undefined ? more : { ...more, project: "" };
}

/** Where a trial takes place: a builder is asked only for a commit that nobody has built. */
async function placeOf(trial: Trial, builds: "always" | "with its inputs" | "never", lane: string) {
  const asked = builds === "always" || (builds !== "never" && trial.some(({ name }) => BUILD_ONLY.includes(name)));
  const checkout = join(stand.folder, asked ? unbuilt(lane) : lane);
  for (const { name, value, known } of trial) {
    // A list with lines of a path is several paths, of which the second is none.
    const one = !value.includes("\n") || !["files", "scan-ignore-files", "report"].includes(name);
    if (known.copyOf !== undefined && one) await stand.makePath(checkout, value, known.copyOf);
  }
  const fake = asked && !trial.some(({ name }) => name === "from-image");
  return { checkout, ...(fake ? { docker: "fake" as const } : {}) };
}

/** What speaks against an attempt, told with what it was given. */
function told(trial: Trial, wrong: readonly string[], { stdout, stderr }: Attempt): string[] {
  const given = JSON.stringify(valuesOf(trial));
  return wrong.map((one) => `${given}: ${one}\n${stdout.slice(-1_500)}${stderr.slice(-1_500)}`);
}

interface Tried {
  readonly wrong: readonly string[];
  /** Nothing stopped it, so that all that it was given was looked at. */
  readonly well: boolean;
}

async function tryStep(path: string, trial: Trial, lane: string): Promise<Tried> {
  const builds = { "actions/build/action.yml": "always", "action.yml": "with its inputs" } as const;
  const place = await placeOf(trial, builds[path as keyof typeof builds] ?? "never", lane);
  const scanned = trial.some(({ name }) => name.startsWith("scan"));
  const more = { ...besides(trial), ...(path === "action.yml" && !scanned ? { scan: "off" } : {}) };
  const inputs = rightInputs(stand, path, lane, { ...more, ...valuesOf(trial) });
  const attempt = await stand.run({ ...stepOptions(stand, path, inputs), ...place });
  await stand.tidy(place.checkout);
  const { outcome = "" } = parseCommandFile(attempt.output);
  const wrong = await wrongWithStep(attempt, { canaries: stand.canaries, outputs: Object.keys(action(path).outputs) });
  if (trial.some(({ known }) => known.kind === "closed") && outcome !== "invalid_input") {
    wrong.push(`it is not refused: ${outcome}`);
  }
  return { wrong: told(trial, wrong, attempt), well: outcome === "succeeded" || outcome === "unchanged" };
}

/** The `post:` step gets the same inputs once more, and what the main step saved: here, that it did not come to its end. */
async function tryPost(path: string, trial: Trial, lane: string): Promise<Tried> {
  const place = await placeOf(trial, "never", lane);
  const inputs = rightInputs(stand, path, lane, { ...besides(trial), ...valuesOf(trial) });
  const { env, ...options } = stepOptions(stand, path, inputs);
  const entry = /dist\/(.+)\.js$/.exec(action(path).runs.post ?? "")?.[1] ?? "";
  return tryProcess(trial, { ...options, ...place, entry, env: { ...env, STATE_run: "1.test.main" } }, [1]);
}

/** Every value of every input in every action, instead of the selection that fits into `npm test`. */
const WHOLE = process.env.BELAY_SOAK === "1";

/**
 * Of the values, which one of `all` tries: what an input means is the same code in all actions that have it, as with options and
 * commands, so that they share its values.
 */
function shareOf<T>(one: T, all: readonly T[], namesOf: (one: T) => readonly string[]) {
  const kinds = Object.keys(hostile).length;
  return (name: string, at: number): boolean => {
    const having = all.filter((other) => namesOf(other).includes(name));
    return WHOLE || at % kinds === (having.indexOf(one) + namesOf(one).indexOf(name)) % kinds;
  };
}

const optionsOf = ({ options }: (typeof COMMANDS)[number]): string[] => options.map(({ name }) => name);

/** Every other one prints text for people. */
let commands = 0;

async function tryCommand(name: string, trial: Trial, lane: string): Promise<Tried> {
  const builds = { build: "always", run: "with its inputs" } as const;
  const place = await placeOf(trial, builds[name as keyof typeof builds] ?? "never", lane);
  const scanned = trial.some(({ name: option }) => option.startsWith("scan"));
  const common = { environment: "test", project: lane, ...(name === "run" && !scanned ? { scan: "off" } : {}) };
  const options = commandOptions(stand, lane, name, { ...common, ...besides(trial), ...valuesOf(trial) });
  const flags = ["build", "run"].includes(name) ? ["--allow-dirty"] : [];
  const json = commands++ % 2 === 0 ? ["--json"] : [];
  return tryProcess(trial, { ...options, args: [...(options.args ?? []), ...flags, ...json], ...place });
}

/** `refusing`: exit codes by which a process says that a value is illegal. */
async function tryProcess(
  trial: Trial,
  options: AttemptOptions,
  refusing: readonly number[] = [EXIT_CODES.invalid_input],
): Promise<Tried> {
  const attempt = await stand.run(options);
  await stand.tidy(options.checkout);
  const wrong = await wrongWithProcess(attempt, { canaries: stand.canaries });
  const last = attempt.stdout.trimEnd().split("\n").at(-1) ?? "";
  if (options.args?.includes("--json") && !last.startsWith("{")) wrong.push(`its last line is ${last}`);
  const refused = refusing.includes(attempt.exitCode ?? -1);
  if (trial.some(({ known }) => known.kind === "closed") && !refused) wrong.push(`not refused: ${attempt.exitCode}`);
  if (attempt.exitCode === null) wrong.push("it was killed");
  return { wrong: told(trial, wrong, attempt), well: attempt.exitCode === 0 };
}

/** Each lane is an application of its own, so that attempts don't wait for one another. */
async function runLanes(
  all: readonly Trial[],
  attempt: (trial: Trial, lane: string) => Promise<Tried>,
  { whole = false }: { readonly whole?: boolean } = {},
): Promise<string[]> {
  const queue = all.values();
  const found = await mapBounded(LANES, LANES.length, undefined, async (lane) => {
    const wrong: string[] = [];
    for (const trial of queue) {
      const tried = await attempt(trial, lane);
      wrong.push(...tried.wrong);
      // What stopped it may have hidden the others. The whole is made of parts, in which they are seen.
      const alone = trial.length > 1 && !tried.well && !whole ? trial.map((given) => [given]) : [];
      for (const one of alone) wrong.push(...(await attempt(one, lane)).wrong);
    }
    return wrong;
  });
  return found.flat();
}

describe("what is right", () => {
  it.each(["plan", "report", "sign", "prune"])("is done by %s", async (name) => {
    await right(`actions/${name}/action.yml`, {});
  });

  it("reaches the builder, and the whole pipeline", async () => {
    const path = "actions/build/action.yml";
    const options = stepOptions(stand, path, rightInputs(stand, path, "", { "build-args": "A=b" }));
    const checkout = join(stand.folder, unbuilt(LANES[0]));
    const { calls, stdout } = await stand.run({ ...options, checkout, docker: "fake" });
    expect(calls.filter((call) => call.includes("--build-arg=A=b")).length, stdout).toBe(1);
    await right("action.yml", {}, { checkout: join(stand.folder, LANES[0]) });
  });

  it.each(COMMANDS.map(({ name }) => name))("is done by belay %s", async (name) => {
    const lane = LANES[0];
    const checkout = join(stand.folder, lane);
    const options = commandOptions(stand, lane, name, { environment: "test", project: lane });
    const { exitCode, stdout, stderr } = await stand.run({ ...options, checkout });
    expect(exitCode, stdout + stderr).toBe(0);
  });
});

describe("hostile text that a real BuildKit gets", () => {
  const PATH = "actions/build/action.yml";
  let checkout: string;

  beforeAll(async () => {
    checkout = await stand.checkOut("built");
    await writeFile(join(checkout, "Dockerfile"), "FROM scratch\nARG A\nLABEL seen=$A\nCOPY name /\n");
  });

  /** Builds, and sees to it that nothing is made beside what a build makes. */
  async function build(more: Values) {
    const job = await stand.newJob();
    const names = () => readdir(checkout, { recursive: true });
    const before = await names();
    const inputs = rightInputs(stand, PATH, "", { builder: REAL_BUILDER, ...more });
    const attempt = await stand.run({ ...stepOptions(stand, PATH, inputs), checkout }, job);
    const place = { canaries: stand.canaries, outputs: Object.keys(action(PATH).outputs) };
    const made = (await names()).filter((name) => !before.includes(name) && !name.startsWith(".git/"));
    const wrong = [...(await wrongWithStep(attempt, place)), ...made.map((name) => `it made ${name}`)];
    const outcome = parseCommandFile(attempt.output).outcome ?? "";
    return { outcome, job, wrong: wrong.map((one) => `${JSON.stringify(more)}: ${one}\n${attempt.stdout}`), attempt };
  }

  it.each(["word", "line", "flag"] as const)("as a %s stays what it is, to the last letter", async (kind) => {
    // Those that no list takes.
    const text = hostile[kind].replace(/[\p{Cc}\p{Zl}]/gu, "");
    const { outcome, job, wrong, attempt } = await build({
      "build-args": `A=${text}`,
      labels: `a=${text}`,
      annotations: `a=${text}`,
    });
    expect(wrong).toEqual([]);
    expect(outcome, attempt.stdout).toBe("succeeded");
    const { entries } = await readLayout(join(job, "belay/images/web"));
    const blob = async (digest = "") =>
      JSON.parse(await readFile(join(job, "belay/images/web/blobs", digest.replace(":", "/")), "utf8"));
    expect((await blob(entries[0]?.config)).config.Labels).toMatchObject({ a: text, seen: text });
    expect((await blob(entries[0]?.manifest)).annotations).toMatchObject({ a: text });
  });

  const NAMES = ["build-target", "test-target", "dockerfile", "build-context", "build-contexts", "cache-from"];
  const MOUNTS = ["secret-envs", "secret-files", "ssh", "tags", "labels", "build-args", "annotations"];

  it.each([...NAMES, ...MOUNTS])("in %s makes no file, runs nothing and is no option", async (name) => {
    for (const trial of trials([name])) {
      const [given] = trial;
      if (given?.known.copyOf !== undefined) await stand.makePath(checkout, given.value, given.known.copyOf);
      const { wrong } = await build(valuesOf(trial));
      await stand.tidy(checkout);
      expect(wrong).toEqual([]);
    }
  });
});

describe("hostile text in every input", () => {
  it("that takes only some words is refused before anything else happens", () => {
    const loaders = [loadPipelineInputs, loadRollbackInputs, loadSignInputs, loadPruneInputs, readFailOn];
    const refuses = (name: string, text: string) => (load: (inputs: Inputs) => unknown) => {
      try {
        load(new Inputs((asked) => (asked === name ? text : undefined)));
        return false;
      } catch (error) {
        return isBelayError(error, "INVALID_INPUT");
      }
    };
    const early = Object.entries(KNOWN_INPUTS).filter(([, { kind, late }]) => kind === "closed" && !late);
    const taken = early.flatMap(([name, { shapes }]) =>
      shapes.flatMap((shape) =>
        Object.entries(hostile).flatMap(([kind, text]) =>
          loaders.some(refuses(name, fill(shape, text, { server: server() }))) ? [] : [`${name}: ${kind}`],
        ),
      ),
    );
    expect(early.length).toBeGreaterThan(30);
    expect(taken).toEqual([]);
  });

  it.each(NODE_ACTIONS)("of %s", { timeout: TESTS_MS }, async (path) => {
    const names = inputsOf(path);
    const whole = path === "action.yml";
    // One value each, as all of them are tried in the parts that the whole is made of.
    const one = (name: string, at: number) => at === names.indexOf(name) % Object.keys(hostile).length;
    const all = trials(names, whole ? one : shareOf(path, PARTS, inputsOf));
    expect(await runLanes(all, (trial, lane) => tryStep(path, trial, lane), { whole })).toEqual([]);
  });

  it("of a post step that has something to put right", { timeout: TESTS_MS }, async () => {
    const path = "actions/deploy/action.yml";
    // It fails when something is left to look at, whatever the main step's fate should be.
    const names = inputsOf(path).filter((name) => name !== "fail-on");
    const one = (name: string, at: number) => at === names.indexOf(name) % Object.keys(hostile).length;
    const lane = LANES[0];
    expect((await tryPost(path, [], lane)).well).toBe(true);
    expect(await runLanes(trials(names, one), (trial, lane) => tryPost(path, trial, lane), { whole: true })).toEqual(
      [],
    );
  });

  it.each(COMPOSITE_ACTIONS)("of %s, and none of them in a script", { timeout: TESTS_MS }, async (path) => {
    for (const { run, env } of action(path).runs.steps ?? []) {
      expect(run ?? "").not.toContain("${{");
      if (run !== undefined) expect(Object.keys(env ?? {})).toEqual(["BELAY_INPUTS"]);
    }
    const known = [...Object.keys(TRIVY_ACTION_RULES), "platforms", "checksum", "mirror"];
    expect(inputsOf(path).filter((name) => !known.includes(name))).toEqual([]);
    const all = inputsOf(path).flatMap((name) => Object.values(hostile).map((value) => [name, value] as const));
    const wrong = await mapBounded(all, LANES.length, undefined, async ([name, value]) => {
      const inputs = { ...(name === "input" ? {} : { "image-ref": "a.invalid/b:1" }), [name]: value };
      const attempt = await stand.run({
        checkout: stand.repository,
        entry: "trivy/check",
        after: "nothing",
        env: { BELAY_INPUTS: JSON.stringify(inputs) },
      });
      const found = await wrongWithStep(attempt, { canaries: stand.canaries });
      if (parseCommandFile(attempt.output).outcome !== "invalid_input") found.push("it is not refused");
      return found.map((one) => `${name} = ${JSON.stringify(value)}: ${one}`);
    });
    expect(wrong.flat()).toEqual([]);
  });

  it.each(COMMANDS.map(({ name }) => name))("of the options of belay %s", { timeout: TESTS_MS }, async (name) => {
    const named = command(name).options.filter(({ kind }) => kind !== "flag");
    const all = trials(
      named.map((option) => option.name),
      shareOf(command(name), COMMANDS, optionsOf),
    );
    const whole = name === "run";
    expect(await runLanes(all, (trial, lane) => tryCommand(name, trial, lane), { whole })).toEqual([]);
  });

  it("in the place of an option, and where none belongs", { timeout: TESTS_MS }, async () => {
    const flags = command("run").options.filter(({ kind }) => kind === "flag");
    await refused("run", [...flags.map((option) => `--${option.name}=`), "--", "", "--config "]);
  });

  it("in the place of a command, and in what a command line takes from the environment", async () => {
    await refused(undefined, [""]);
    const all = Object.values(hostile) as string[];
    const wrong = await mapBounded(all, LANES.length, undefined, async (text) => {
      const options = commandOptions(stand, LANES[0], "plan", { environment: "test", target: "kubernetes" });
      const env = { GITHUB_TOKEN: text, BELAY_KUBECONFIG_DATA: text };
      const trial = [{ name: "environment", value: text, known: { kind: "closed", shapes: [] } as const }];
      return (await tryProcess(trial, { ...options, env })).wrong;
    });
    expect(wrong.flat()).toEqual([]);
  });

  it("is nowhere alive in what GitHub was told", () => {
    expect(stand.told().length).toBeGreaterThan(0);
    expect([...new Set(stand.told().flatMap(liveMarkdown))]).toEqual([]);
    expect(stand.github.violations).toEqual([]);
  });
});

/** Words of a command line that belong nowhere: all of them and each value, with what stands before it. */
async function refused(name: string | undefined, before: readonly string[]): Promise<void> {
  const all = before.flatMap((word) => (Object.values(hostile) as string[]).map((text) => [word, text] as const));
  const wrong = await mapBounded(all, LANES.length, undefined, async ([word, text]) => {
    const words = word.endsWith(" ") ? [word.trimEnd(), "x", text] : [`${word}${text}`];
    const trial = [{ name: word, value: text, known: { kind: "closed", shapes: [] } as const }];
    const args = [...(name === undefined ? [] : [name]), ...words, "--json"];
    const checkout = join(stand.folder, LANES[0]);
    return (await tryProcess(trial, { entry: "cli/index", args, env: {}, after: "nothing", checkout })).wrong;
  });
  expect(wrong.flat()).toEqual([]);
}
