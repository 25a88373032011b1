import { createRunner, Redactor, type Scope, systemClock } from "@belay/core";
import { connectDocker } from "@belay/docker";
import { createAuthenticator } from "@belay/registry";
import { createSwarmTarget } from "@belay/swarm";
import { imageAvailability } from "../../packages/pipeline/src/access/registry-access.ts";
import { stopAtWorker } from "./stop-at-worker.ts";
import type { StopPoint } from "./stop-within.ts";
import type { OpenTarget } from "./target-opener.ts";

export interface SwarmSettings {
  /** `DOCKER_HOST` and the like. */
  readonly env: Readonly<Record<string, string>>;
  readonly scope: Scope;
  /** Stack files; none: existing services get another image and nothing else. */
  readonly files: readonly string[];
  readonly services: readonly string[];
  /** Where the process stops by itself. */
  readonly stop?: StopPoint;
}

/** A Swarm target as the pipeline opens it. */
export const openTarget: OpenTarget = async (settings, { log, redactor }) => {
  const { env, scope, files, services, stop } = settings as SwarmSettings;
  const docker = stopAtWorker(await connectDocker({ env }), stop, log);
  const runner = createRunner(redactor);
  const auth = createAuthenticator({ env, runner, redactor: new Redactor() });
  const target = await createSwarmTarget({
    ...{ docker, runner, scope, log, clock: systemClock, redactor },
    services: Object.fromEntries(services.map((name) => [name, {}])),
    ...(files.length === 0 ? {} : { stack: { files, env: {}, secretNames: [] } }),
    imageAvailable: imageAvailability(docker, auth),
  });
  const close = async (): Promise<void> => {
    await target.close();
    await docker.close();
  };
  return { target, close };
};
