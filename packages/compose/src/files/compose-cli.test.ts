import { Redactor, type RunOptions, systemClock } from "@belay/core";
import type { Docker } from "@belay/docker";
import { createTestLog } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import { ComposeCli, unsetVariables } from "./compose-cli.ts";
import type { ComposeTargetOptions } from "./compose-options.ts";

interface Call {
  readonly args: readonly string[];
  readonly options: RunOptions;
}

function cliWith(
  answer: (args: readonly string[]) => { stdout: string; stderr?: string },
  more: Pick<ComposeTargetOptions, "composeVersion"> = {},
) {
  const calls: Call[] = [];
  const options: ComposeTargetOptions = {
    docker: {} as Docker,
    runner: async (_command, args, run = {}) => {
      calls.push({ args, options: run });
      return { exitCode: 0, stderr: "", ...answer(args) };
    },
    cliArgs: ["--context", "staging"],
    scope: { target: "compose", project: "shop", application: "shop", environment: "test" },
    projectDirectory: "/srv/shop",
    files: ["compose.yaml", "more.yaml"],
    profiles: ["jobs"],
    env: { PASSWORD: "s3cret" },
    services: {},
    log: createTestLog(),
    clock: systemClock,
    redactor: new Redactor(),
    ...more,
  };
  return { calls, cli: ComposeCli.create(options) };
}

const version = (args: readonly string[], rest: string) => ({ stdout: args.includes("version") ? "v2.40.3\n" : rest });

describe("the compose command line", () => {
  it("is asked for its version once, and again with the engine's place where that failed", async () => {
    const early = cliWith((args) => version(args, ""), { composeVersion: Promise.resolve("2.40.3") });
    await early.cli;
    expect(early.calls).toEqual([]);
    const failed = Promise.reject(new Error('context "nope" does not exist'));
    const { calls, cli } = cliWith((args) => version(args, ""), { composeVersion: failed });
    await cli;
    expect(calls.map(({ args }) => args.join(" "))).toEqual(["--context staging compose version --short"]);
    const old = cliWith((args) => version(args, ""), { composeVersion: Promise.resolve("2.10.0") });
    await expect(old.cli).rejects.toMatchObject({ code: "TOOL_TOO_OLD" });
  });

  it("renders with every file and profile, and gives values by the environment only", async () => {
    const { calls, cli } = cliWith((args) => version(args, '{"name":"shop","services":{"web":{}}}'));
    expect((await (await cli).render()).services).toEqual({ web: {} });
    expect(calls[1]?.args.join(" ")).toBe(
      "--context staging compose --project-name shop --project-directory /srv/shop --file compose.yaml --file more.yaml --profile jobs config --format json",
    );
    expect(calls[1]?.options.env).toMatchObject({ PASSWORD: "s3cret", COMPOSE_REMOVE_ORPHANS: "0" });
    for (const { options } of calls) {
      expect(options.inherit).toEqual(expect.arrayContaining(["PATH", "HOME", "DOCKER_HOST"]));
      expect(options.inherit).not.toContain("AWS_SECRET_ACCESS_KEY");
    }
  });

  it("creates without starting, pulling, building, recreating or removing, from stdin", async () => {
    const { calls, cli } = cliWith((args) => version(args, ""));
    const project = { name: "shop", services: { web: { environment: { A: "s3cret" } } } };
    await (await cli).create(project, { web: 5 }, new AbortController().signal);
    const { args, options } = calls[1] ?? { args: [], options: {} };
    for (const flag of ["--no-start", "--no-deps", "--no-recreate", "--no-build", "--remove-orphans=false"]) {
      expect(args).toContain(flag);
    }
    expect(args.join(" ")).toMatch(/--pull never .*--scale web=5 web$/);
    expect(args.join(" ")).not.toContain("s3cret");
    expect(options.input).toContain("s3cret");
  });

  it("refuses an old plugin", async () => {
    await expect(cliWith(() => ({ stdout: "2.19.1" })).cli).rejects.toMatchObject({ code: "TOOL_TOO_OLD" });
    await expect(cliWith(() => ({ stdout: "5.0.0-desktop.1" })).cli).resolves.toBeInstanceOf(ComposeCli);
  });

  it("finds unset variables in either form of compose's warning, each once", () => {
    const text = `time="x" level=warning msg="The \\"TAG\\" variable is not set. Defaulting to a blank string."
WARN[0000] The "HOST" variable is not set. Defaulting to a blank string.
WARN[0000] The "TAG" variable is not set. Defaulting to a blank string.`;
    expect(unsetVariables(text)).toEqual(["TAG", "HOST"]);
    expect(unsetVariables("WARN[0000] Found orphan containers")).toEqual([]);
  });
});
