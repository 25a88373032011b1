import { type Clock, createRunner, type Log, type Redactor } from "@belay/core";
import { connectDocker, type Docker } from "@belay/docker";
import { createSwarmTarget } from "@belay/swarm";
import { taskRevision } from "../../packages/swarm/src/task-revision.ts";
import type { Side } from "./look-worker.ts";
import type { Meter } from "./meter.ts";

interface Options {
  readonly clock: Clock;
  readonly log: Log;
  readonly redactor: Redactor;
  /** Measures what it takes to get the engine's answers and to read them. */
  readonly answers: Meter;
}

export async function openSide(address: string, count: number, options: Options): Promise<Side> {
  const { answers, ...rest } = options;
  const docker = await connectDocker({ host: address });
  const measured: Docker = {
    ...docker,
    tasks: { ...docker.tasks, list: (...query) => answers.of(() => docker.tasks.list(...query)) },
    services: { ...docker.services, list: (...query) => answers.of(() => docker.services.list(...query)) },
  };
  const names = Array.from({ length: count }, (_, index) => `service-${index}`);
  const target = await createSwarmTarget({
    ...rest,
    docker: measured,
    runner: createRunner(rest.redactor),
    scope: { target: "swarm", project: "fleet", application: "fleet", environment: "bench" },
    services: Object.fromEntries(names.map((name) => [name, {}])),
  });
  const networks = new Map((await docker.networks.list({})).map(({ Id, Name }) => [Id, Name]));
  const listed = await docker.services.list();
  const wanted = listed.map(({ Spec }) => ({
    service: Spec.Name.slice("fleet_".length),
    goal: "run" as const,
    desired: 10,
    revision: taskRevision(Spec.TaskTemplate, networks),
    digests: [],
  }));
  return { target, wanted, close: () => docker.close() };
}
