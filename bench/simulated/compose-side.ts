import { createComposeTarget } from "@belay/compose";
import { createRunner, LABELS } from "@belay/core";
import { connectDocker, type Docker } from "@belay/docker";
import { COMPOSE_SCOPE, labelsOfRelease } from "./compose-fleet.ts";
import type { Side, SideOptions } from "./look-worker.ts";

export async function openSide(address: string, count: number, options: SideOptions): Promise<Side> {
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
