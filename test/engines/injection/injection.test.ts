/** Hostile text in every input of every action, one at a time, in the built entries: it stays text, wherever it gets. */
import { join } from "node:path";
import { mapBounded } from "@belay/core";
import { TRIVY_ACTION_RULES } from "@belay/scan";
import { parseCommandFile } from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { COMMANDS, type Command } from "../../../packages/cli/src/commands.ts";
import { projectFiles, readText } from "../../structure/source-files.ts";
import { type HostileValues, hostileValues } from "./hostile-values.ts";
import { type Attempt, type AttemptOptions, InjectionStand } from "./injection-stand.ts";
import { KNOWN_INPUTS, type KnownInput } from "./known-inputs.ts";
import { liveMarkdown } from "./live-markdown.ts";
import { wrongWithProcess, wrongWithStep } from "./wrong-with.ts";

interface ActionFile {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly runs: {
    readonly using: string;
    readonly main?: string;
    readonly steps?: readonly { readonly run?: string; readonly env?: Readonly<Record<string, string>> }[];
  };
}

const FILES = projectFiles("*action.yml").filter((path) => !path.startsWith("test/"));
const ACTIONS = new Map(FILES.map((path) => [path, parse(readText(path)) as ActionFile]));
const COMPOSITE = [...ACTIONS].filter(([, { runs }]) => runs.using === "composite");
const NODE = [...ACTIONS].filter(([, { runs }]) => runs.using !== "composite");
const inputsOf = (path: string): string[] => Object.keys(ACTIONS.get(path)?.inputs ?? {});

const LANES = ["injectiona", "injectionb"];
/** Values of an open input, for actions that are the same code as others: the whole is made of its parts. */
const MOST: Readonly<Record<string, number>> = {
  "action.yml": 1,
  "actions/plan/action.yml": 2,
  "actions/report/action.yml": 1,
  "actions/rollback/action.yml": 2,
};
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
      const extra = stage === "build" ? { "from-image": `belay-injection/web:${name}` } : {};
      await right(`actions/${stage}/action.yml`, extra, job);
      if (name === "second") await stand.keep(job, stage);
    }
    for (const project of LANES) await right("actions/deploy/action.yml", { project }, job);
  }
  for (const lane of LANES) await stand.checkOut(lane);
  await stand.commit("third");
  for (const lane of LANES) await stand.checkOut(unbuilt(lane));
}, STAND_MS);

afterAll(() => stand?.[Symbol.asyncDispose]());

/** Checkout of a commit that nobody has built: the release of one that is at the registry is taken without a build. */
const unbuilt = (lane: string): string => `${lane}-unbuilt`;

type Values = Readonly<Record<string, string>>;

/** The inputs that are right, as the runner gives them: its defaults, and where the application is. */
function rightInputs(path: string, lane: string, more: Values): Record<string, string> {
  const { inputs } = ACTIONS.get(path) as ActionFile;
  const defaults = Object.entries(inputs).flatMap(([name, { default: value }]): [string, string][] =>
    value === undefined || value.includes("${{") ? [] : [[name, value]],
  );
  const common = {
    ...{ environment: "test", project: lane, "github-token": stand.token, "allow-dirty": "true" },
    // So that it asks what runs, too.
    "scan-only-new": "true",
  };
  const given = Object.entries<string>({ ...Object.fromEntries(defaults), ...common, ...more });
  return Object.fromEntries(given.filter(([name]) => inputs[name] !== undefined));
}

function optionsFor(path: string, inputs: Values): AttemptOptions {
  const { runs } = ACTIONS.get(path) as ActionFile;
  const entry = /dist\/(.+)\.js$/.exec(runs.main ?? "")?.[1] ?? "";
  const env = Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
  const after = { "actions/scan/action.yml": "build", "actions/push/action.yml": "scan" } as const;
  const first = ["action.yml", "actions/build/action.yml", "actions/report/action.yml"].includes(path);
  return {
    entry,
    env: Object.fromEntries(env),
    after: first ? "nothing" : (after[path as keyof typeof after] ?? "push"),
    checkout: stand.repository,
  };
}

/** A step with nothing hostile in it. */
async function right(path: string, more: Values, job?: string, checkout = stand.repository): Promise<Attempt> {
  const options = { ...optionsFor(path, rightInputs(path, LANES[0] ?? "", more)), checkout };
  const attempt = await stand.run(job === undefined ? options : { ...options, after: "nothing" }, job);
  expect(parseCommandFile(attempt.output), attempt.stdout).toMatchObject({
    outcome: expect.stringMatching(/^(succeeded|unchanged)$/),
  });
  return attempt;
}

/** What speaks against an attempt; nothing, when the hostile text stayed text. */
function wrongWith(path: string, attempt: Attempt): Promise<string[]> {
  const { outputs, runs } = ACTIONS.get(path) as ActionFile;
  const own = runs.using === "composite" ? {} : { outputs: Object.keys(outputs) };
  return wrongWithStep(attempt, { canaries: stand.canaries, ...own });
}

interface Trial {
  readonly name: string;
  readonly value: string;
  readonly known: KnownInput;
}

/** Values of an input. One that takes only some words is given all that is hostile at once. */
function trialsOf(name: string, most: number): Trial[] {
  const known = KNOWN_INPUTS[name];
  if (known === undefined) throw new Error(`nobody has said yet what ${name} may hold (known-inputs.ts)`);
  const { line, lines } = hostile;
  const texts = known.kind === "closed" ? [`${line}\n${lines}`] : Object.values(hostile).slice(0, most);
  const shaped = known.shapes.flatMap((shape) => texts.map((text) => fill(shape, text)));
  return shaped.map((value) => ({ name, value, known }));
}

/** `V` stands for the text, `J` for the text in JSON, `R` for a server that answers whatever it is asked. */
function fill(shape: string, text: string): string {
  const values: Values = { V: text, J: JSON.stringify(text), R: `${stand.registry.url}/v2/` };
  return shape.replace(/[VJR]/g, (letter) => values[letter] ?? "");
}

/** Inputs that only mean something where something is built. */
const BUILD_ONLY = inputsOf("actions/build/action.yml").filter(
  (name) => !inputsOf("actions/deploy/action.yml").includes(name),
);

async function tryOut(path: string, { name, value, known }: Trial, lane: string): Promise<string[]> {
  const building = path === "actions/build/action.yml" || (path === "action.yml" && BUILD_ONLY.includes(name));
  const checkout = join(stand.folder, building ? unbuilt(lane) : lane);
  // A list with lines of a path is several paths, of which the second is none.
  const one = !value.includes("\n") || !["files", "scan-ignore-files", "report"].includes(name);
  if (known.copyOf !== undefined && one) await stand.makePath(checkout, value, known.copyOf);
  const more = {
    ...(known.with?.target === undefined ? {} : { project: "" }),
    ...(path === "action.yml" && !name.startsWith("scan") ? { scan: "off" } : {}),
    ...known.with,
    [name]: value,
  };
  const options = { ...optionsFor(path, rightInputs(path, lane, more)), checkout };
  const attempt = await stand.run(building && name !== "from-image" ? { ...options, docker: "fake" } : options);
  await stand.tidy(checkout);
  const { outcome } = parseCommandFile(attempt.output);
  const wrong = await wrongWith(path, attempt);
  if (known.kind === "closed" && outcome !== "invalid_input") wrong.push(`it is not refused: ${outcome}`);
  return wrong.map((one) => `${name} = ${JSON.stringify(value)}: ${one}\n${attempt.stdout.slice(-1_500)}`);
}

/** The command line in a `run:` step, whose output the runner reads as well. */
async function tryOption(command: string, { name, value, known }: Trial, lane: string): Promise<string[]> {
  const { options } = COMMANDS.find((one) => one.name === command) as Command;
  const given = {
    environment: "test",
    project: lane,
    ...known.with,
    ...(known.with && { project: "" }),
    [name]: value,
  };
  const words = Object.entries<string>(given).filter(([option]) => options.some((one) => one.name === option));
  const attempt = await stand.run({
    entry: "cli/index",
    args: [command, "--json", ...words.map(([option, text]) => `--${option}=${text}`)],
    env: { GITHUB_TOKEN: stand.token },
    after: command === "scan" ? "build" : command === "push" ? "scan" : "push",
    checkout: join(stand.folder, lane),
  });
  const wrong = await wrongWithProcess(attempt, { canaries: stand.canaries });
  const last = attempt.stdout.trimEnd().split("\n").at(-1) ?? "";
  if (!last.startsWith("{")) wrong.push(`its last line is ${last}`);
  else if (known.kind === "closed" && JSON.parse(last).outcome !== "invalid_input") wrong.push(`not refused: ${last}`);
  return wrong.map((one) => `--${name}=${JSON.stringify(value)}: ${one}\n${attempt.stderr.slice(-1_500)}`);
}

/** Each lane is an application of its own, so that attempts don't wait for one another. */
async function runLanes(
  trials: readonly Trial[],
  attempt: (trial: Trial, lane: string) => Promise<string[]>,
): Promise<string[]> {
  const queue = trials.values();
  const found = await mapBounded(LANES, LANES.length, undefined, async (lane) => {
    const wrong: string[] = [];
    for (const trial of queue) wrong.push(...(await attempt(trial, lane)));
    return wrong;
  });
  return found.flat();
}

describe("what is right", () => {
  it.each(["plan", "report", "sign", "prune"])("is done by %s", async (name) => {
    await right(`actions/${name}/action.yml`, {});
  });

  it("reaches the builder, and the whole pipeline", async () => {
    const options = optionsFor(
      "actions/build/action.yml",
      rightInputs("actions/build/action.yml", "", { "build-args": "A=b" }),
    );
    const checkout = join(stand.folder, unbuilt(LANES[0] ?? ""));
    const { calls, stdout } = await stand.run({ ...options, checkout, docker: "fake" });
    expect(calls.filter((call) => call.includes("--build-arg=A=b")).length, stdout).toBe(1);
    await right("action.yml", {}, undefined, join(stand.folder, LANES[0] ?? ""));
  });
});

describe("hostile text in every input", () => {
  it.each(NODE.map(([path]) => path))("of %s", { timeout: TESTS_MS }, async (path) => {
    const trials = inputsOf(path).flatMap((name) => trialsOf(name, MOST[path] ?? 4));
    expect(trials.length).toBeGreaterThan(inputsOf(path).length - 1);
    expect(await runLanes(trials, (trial, lane) => tryOut(path, trial, lane))).toEqual([]);
  });

  it.each(COMPOSITE.map(([path]) => path))(
    "of %s, and none of them in a script",
    { timeout: TESTS_MS },
    async (path) => {
      const { runs } = ACTIONS.get(path) as ActionFile;
      for (const { run, env } of runs.steps ?? []) {
        expect(run ?? "").not.toContain("${{");
        if (run !== undefined) expect(Object.keys(env ?? {})).toEqual(["BELAY_INPUTS"]);
      }
      const known = [...Object.keys(TRIVY_ACTION_RULES), "platforms", "checksum", "mirror"];
      expect(inputsOf(path).filter((name) => !known.includes(name))).toEqual([]);
      const trials = inputsOf(path).flatMap((name) => Object.values(hostile).map((value) => [name, value] as const));
      const wrong = await mapBounded(trials, 2, undefined, async ([name, value]) => {
        const inputs = { ...(name === "input" ? {} : { "image-ref": "a.invalid/b:1" }), [name]: value };
        const attempt = await stand.run({
          checkout: stand.repository,
          entry: "trivy/check",
          after: "nothing",
          env: { BELAY_INPUTS: JSON.stringify(inputs) },
        });
        const found = await wrongWith(path, attempt);
        if (parseCommandFile(attempt.output).outcome !== "invalid_input") found.push("it is not refused");
        return found.map((one) => `${name} = ${JSON.stringify(value)}: ${one}`);
      });
      expect(wrong.flat()).toEqual([]);
    },
  );

  // What a rollback has beside a plan is an input of the action, too.
  it.each(["plan", "scan", "push", "sign", "prune"])(
    "of the options of belay %s",
    { timeout: TESTS_MS },
    async (name) => {
      const { options } = COMMANDS.find((command) => command.name === name) as Command;
      const trials = options
        .filter(({ kind, name: option }) => kind !== "flag" && option !== "help")
        .flatMap(({ name: option }) => trialsOf(option, 1));
      expect(await runLanes(trials, (trial, lane) => tryOption(name, trial, lane))).toEqual([]);
    },
  );

  it("is nowhere alive in what GitHub was told", () => {
    const told = stand.told();
    expect(told.length).toBeGreaterThan(0);
    expect([...new Set(told.flatMap(liveMarkdown))]).toEqual([]);
    expect(stand.github.violations).toEqual([]);
  });
});
