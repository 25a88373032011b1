import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { BelayError, isBelayError, messageOf } from "@belay/core";
import { CLI_VARIABLES } from "@belay/docker";
import { parse } from "yaml";
import type { RenderRequest } from "../desired.ts";
import type { StackDocument } from "./stack-document.ts";
import { type StandIn, standIn } from "./stand-in.ts";
import { unsetVariables } from "./unset-variables.ts";

const DEADLINE_MS = 60_000;
/** What command lines say that have no `docker stack config`: it came with version 23. */
const UNKNOWN_COMMAND = /unknown shorthand flag|unknown command|is not a docker command/;

type Request = Pick<RenderRequest, "runner" | "stack" | "scope" | "signal">;

/**
 * The files of a stack as docker's own command line understands them: merged, variables put in, env files read.
 * Variables travel by the environment, and of this process's own only {@link CLI_VARIABLES}.
 *
 * @throws BelayError CONFIG_INVALID when a file is missing or wrong or uses a variable that is not set, TOOL_MISSING without
 *   a docker command line, TOOL_TOO_OLD when it has no `docker stack config`.
 */
export async function renderFiles(request: Request): Promise<StackDocument> {
  const { files } = request.stack;
  const doing = `reading the stack ${request.scope.project} (${files.join(", ")})`;
  const texts = await Promise.all(files.map((file) => read(file, doing)));
  const known = visibleVariables(request);
  const unset = [...new Set(texts.flatMap((text) => unsetVariables(parsed(text, doing), known)))];
  if (unset.length > 0) throw notSet(unset, doing);
  return parseDocument(await run(request, texts.map(standIn), doing), doing);
}

/** What the files can see: `env`, and what the command line needs for itself. */
export function visibleVariables({ stack }: Pick<RenderRequest, "stack">): Readonly<Record<string, string>> {
  const own = CLI_VARIABLES.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(own), ...stack.env };
}

async function read(file: string, doing: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const got = `${file} can't be read (${messageOf(error)})`;
    throw new BelayError("CONFIG_INVALID", { doing, got, next: "Check `target.files` in belay.yaml.", cause: error });
  }
}

function parsed(text: string, doing: string): unknown {
  try {
    return parse(text, { merge: true, logLevel: "silent", maxAliasCount: 10_000 });
  } catch (error) {
    throw new BelayError("CONFIG_INVALID", { doing, got: messageOf(error), next: "Correct the file.", cause: error });
  }
}

function notSet(names: readonly string[], doing: string): BelayError {
  const one = names.length === 1;
  return new BelayError("CONFIG_INVALID", {
    doing,
    got: `the ${one ? "variable" : "variables"} ${names.join(", ")} ${one ? "is" : "are"} used there and not set`,
    next: "Set it under `variables` or `secrets` of the environment in belay.yaml, or write a default (NAME:-) in the file.",
  });
}

/** Files as they are go by their paths; where one had to be changed, the first goes by stdin and the others as copies. */
async function run(request: Request, files: readonly StandIn[], doing: string): Promise<string> {
  const paths = request.stack.files;
  const folder = dirname(paths[0] ?? ".");
  if (!files.some(({ changed }) => changed)) return config(request, paths, folder, undefined, doing);
  const copies = await mkdtemp(join(tmpdir(), "belay-stack-"));
  try {
    // Relative paths go by the first file's folder, which is the working folder for stdin (docker/cli, `GetConfigDetails`).
    const others = paths.slice(1).map((_path, index) => join(copies, `${index + 2}.yaml`));
    await Promise.all(others.map((path, index) => writeFile(path, files[index + 1]?.text ?? "", { mode: 0o600 })));
    return await config(request, ["-", ...others], folder, files[0]?.text, doing);
  } finally {
    await rm(copies, { recursive: true, force: true });
  }
}

async function config(
  request: Request,
  paths: readonly string[],
  cwd: string,
  input: string | undefined,
  doing: string,
): Promise<string> {
  const { runner, stack, signal } = request;
  const cli = stack.cli ?? "docker";
  // The default context: the command needs no engine, and must not dial one.
  const args = ["--context", "default", "stack", "config", ...paths.flatMap((path) => ["--compose-file", path])];
  const options = {
    doing,
    cwd,
    deadlineMs: DEADLINE_MS,
    env: { ...stack.env, DOCKER_HOST: "", DOCKER_CONTEXT: "" },
    inherit: CLI_VARIABLES,
    failure: "CONFIG_INVALID",
    next: "Correct the file. To see it as docker does: `docker stack config --compose-file FILE`.",
  } as const;
  try {
    const input_ = input === undefined ? {} : { input };
    return (await runner(cli, args, { ...options, ...input_, ...(signal && { signal }) })).stdout;
  } catch (error) {
    if (!isBelayError(error, "CONFIG_INVALID") || !UNKNOWN_COMMAND.test(error.got)) throw error;
    throw new BelayError("TOOL_TOO_OLD", {
      doing,
      got: `${cli} has no \`docker stack config\``,
      next: "Install a Docker command line of version 23 or newer on this machine; the engine may stay as it is.",
      cause: error,
    });
  }
}

function parseDocument(text: string, doing: string): StackDocument {
  const value = parsed(text, doing) as Partial<StackDocument> | null;
  const { services = {}, networks = {}, volumes = {}, configs = {}, secrets = {} } = value ?? {};
  return { services: services ?? {}, networks, volumes, configs, secrets };
}
