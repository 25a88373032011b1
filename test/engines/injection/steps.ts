import { join } from "node:path";
import { parseCommandFile } from "@belay/testkit";
import { expect } from "vitest";
import { COMMANDS, type Command } from "../../../packages/cli/src/commands.ts";
import { action } from "./action-files.ts";
import type { Attempt, AttemptOptions, InjectionStand } from "./injection-stand.ts";

type Values = Readonly<Record<string, string>>;

/** The inputs that are right, as the runner gives them: its defaults, and where the application is. */
export function rightInputs(stand: InjectionStand, path: string, lane: string, more: Values): Record<string, string> {
  const { inputs } = action(path);
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

/** How an action is started with these inputs. */
export function stepOptions(stand: InjectionStand, path: string, inputs: Values): AttemptOptions {
  const entry = /dist\/(.+)\.js$/.exec(action(path).runs.main ?? "")?.[1] ?? "";
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

/** A step that has to end well. */
export async function rightStep(
  stand: InjectionStand,
  path: string,
  inputs: Values,
  more: { readonly job?: string; readonly checkout?: string } = {},
): Promise<Attempt> {
  const { job, checkout = stand.repository } = more;
  const options = { ...stepOptions(stand, path, inputs), checkout };
  const attempt = await stand.run(job === undefined ? options : { ...options, after: "nothing" }, job);
  expect(parseCommandFile(attempt.output), attempt.stdout).toMatchObject({
    outcome: expect.stringMatching(/^(succeeded|unchanged)$/),
  });
  return attempt;
}

export function command(name: string): Command {
  const found = COMMANDS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no belay ${name}`);
  return found;
}

/** How a command is started in a `run:` step, whose output the runner reads as well. */
export function commandOptions(stand: InjectionStand, lane: string, name: string, given: Values): AttemptOptions {
  const { options } = command(name);
  const words = Object.entries(given).filter(([option]) => options.some((one) => one.name === option));
  const after = { build: "nothing", run: "nothing", scan: "build", push: "scan" } as const;
  return {
    entry: "cli/index",
    args: [name, ...words.map(([option, text]) => `--${option}=${text}`)],
    env: { GITHUB_TOKEN: stand.token },
    after: after[name as keyof typeof after] ?? "push",
    checkout: join(stand.folder, lane),
  };
}
