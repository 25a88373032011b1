import { createRunner } from "@belay/core";
import { connectDocker, type Docker } from "@belay/docker";
import { createSwarmTarget } from "@belay/swarm";
import { taskRevision } from "../../packages/swarm/src/observe/task-revision.ts";
import type { Side, SideOptions } from "./look-worker.ts";

export async function openSide(address: string, count: number, options: SideOptions): Promise<Side> {
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
