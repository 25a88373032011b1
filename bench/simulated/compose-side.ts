import { createComposeTarget } from "@belay/compose";
import { type Clock, createRunner, LABELS, type Log, type Redactor } from "@belay/core";
import { connectDocker, type Docker } from "@belay/docker";
import { COMPOSE_SCOPE, labelsOfRelease } from "./compose-fleet.ts";
import type { Side } from "./look-worker.ts";
import type { Meter } from "./meter.ts";

interface Options {
  readonly clock: Clock;
  readonly log: Log;
  readonly redactor: Redactor;
  /** Measures what it takes to get the engine's list and to read it. Inspecting what is new is the translation's. */
  readonly answers: Meter;
}

export async function openSide(address: string, count: number, options: Options): Promise<Side> {
  const { answers, ...rest } = options;
  const docker = await connectDocker({ host: address });
  const measured: Docker = {
    ...docker,
    containers: { ...docker.containers, list: (...query) => answers.of(() => docker.containers.list(...query)) },
  };
  const names = Array.from({ length: count }, (_, index) => `service-${index}`);
  const target = await createComposeTarget({
    ...rest,
    docker: measured,
    runner: createRunner(rest.redactor),
    scope: COMPOSE_SCOPE,
    projectDirectory: process.cwd(),
    files: [],
    env: {},
    services: Object.fromEntries(names.map((name) => [name, { name }])),
  });
  const revision = labelsOfRelease(2)[LABELS.revision] ?? "";
  const wanted = names.map((service) => ({ service, goal: "run" as const, desired: 10, revision, digests: [] }));
  return { target, wanted, close: () => docker.close() };
}
