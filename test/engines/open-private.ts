import { createRunner, Redactor, systemClock } from "@belay/core";
import { connectDocker } from "@belay/docker";
import { createAuthenticator } from "@belay/registry";
import { createSwarmTarget } from "@belay/swarm";
import { imageAvailability } from "../../packages/pipeline/src/access/registry-access.ts";
import type { SwarmSettings } from "../contract/open-swarm.ts";
import type { OpenTarget } from "../contract/target-opener.ts";

/** A Swarm target as the pipeline opens it, with the credentials of the runner's own `docker login`. */
export const openTarget: OpenTarget = async (settings, { log, redactor }) => {
  const { env, scope, files, services } = settings as SwarmSettings;
  const docker = await connectDocker({ env });
  const runner = createRunner(redactor);
  const auth = createAuthenticator({ env, runner, redactor: new Redactor() });
  const target = await createSwarmTarget({
    ...{ docker, runner, scope, log, clock: systemClock, redactor },
    services: Object.fromEntries(services.map((name) => [name, {}])),
    stack: { files, env: {}, secretNames: [] },
    imageAvailable: imageAvailability(docker, auth),
    registryAuth: (registry) => auth.engineAuth(registry),
  });
  const close = async (): Promise<void> => {
    await target.close();
    await docker.close();
  };
  return { target, close };
};
