import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { createRunner, Redactor } from "@belay/core";

/**
 * An outside observer: a program that node runs as a process of its own, which knows nothing but the plain command line of
 * the engine (no line of Belay's packages). It gets `settings` as JSON on stdin and writes one {@link Seen} to stdout.
 */
export interface ObserverProgram {
  /** URL of the script. */
  readonly script: string;
  readonly settings: unknown;
}

export interface SeenInstance {
  /** Container, task or pod. */
  readonly name: string;
  /** `sha256:…`, whichever the engine shows of its image. */
  readonly digests: readonly string[];
  /** The environment variable `NOTE`, "" without one. */
  readonly note: string;
  /** It runs, or has run to a good end when it is a one-shot. */
  readonly running: boolean;
  /** It runs, and its health check (its readiness) says so; without one: it runs. A good end is healthy. */
  readonly healthy: boolean;
}

/** What an engine has of an application: all that is not plain history, so a dead container that was left behind is seen. */
export interface Seen {
  readonly services: Readonly<Record<string, readonly SeenInstance[]>>;
  /** The digest of the image that each service is to run, also while it has no instance. Where the engine keeps that. */
  readonly wanted?: Readonly<Record<string, string>>;
}

const run = createRunner(new Redactor());

export async function askObserver({ script, settings }: ObserverProgram): Promise<Seen> {
  const options = { input: JSON.stringify(settings), deadlineMs: 60_000, doing: "asking the outside observer" };
  const { stdout } = await run(execPath, [fileURLToPath(script)], options);
  return JSON.parse(stdout) as Seen;
}
