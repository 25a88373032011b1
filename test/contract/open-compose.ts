import { createComposeTarget } from "@belay/compose";
import { createRunner, Redactor, type Scope, systemClock } from "@belay/core";
import { connectDocker } from "@belay/docker";
import { createAuthenticator } from "@belay/registry";
import { imageAvailability } from "../../packages/pipeline/src/access/registry-access.ts";
import type { OpenTarget } from "./target-opener.ts";

export interface ComposeSettings {
  /** `DOCKER_HOST` and the like. */
  readonly env: Readonly<Record<string, string>>;
  readonly scope: Scope;
  readonly folder: string;
  readonly services: readonly string[];
}

/** A Compose target as the pipeline opens it. */
export const openTarget: OpenTarget = async (settings, { log, redactor }) => {
  const { env, scope, folder, services } = settings as ComposeSettings;
  const docker = await connectDocker({ env });
  const runner = createRunner(redactor);
  const auth = createAuthenticator({ env, runner, redactor: new Redactor() });
  const target = await createComposeTarget({
    ...{ docker, runner, cli: "docker", cliEnv: env, scope, projectDirectory: folder, files: ["compose.yaml"] },
    ...{ env: {}, services: Object.fromEntries(services.map((name) => [name, { name }])) },
    ...{ log, clock: systemClock, redactor, imageAvailable: imageAvailability(docker, auth) },
  });
  const close = async (): Promise<void> => {
    await target.close();
    await docker.close();
  };
  return { target, close };
};
