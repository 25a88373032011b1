import type { Release } from "@belay/core";
import type { ComposeSettings } from "../../test/contract/open-compose.ts";
import type { KubernetesSettings } from "../../test/contract/open-kubernetes.ts";
import type { SwarmSettings } from "../../test/contract/open-swarm.ts";
import type { ApplicationStand } from "../../test/contract/stand.ts";

/** As the issue of each figure says: the first crash counts, nothing is waited for after the proof. */
const ROLLOUT = { crashes: 1, stable: 0, drain: 0, deadline: "120s" };

/** What a user would have written for the application, and the variables of the environment that belong to it. */
export interface BelayYaml {
  /** JSON, which is YAML. */
  readonly text: string;
  readonly env: Readonly<Record<string, string>>;
}

export function belayYaml(app: ApplicationStand, release: Release): BelayYaml {
  const { target, names = {}, env } = placeOf(app);
  const services = Object.entries(release.services).map(([name, { repository }]) => {
    return [name, { image: repository, ...(names[name] && { names: names[name] }) }] as const;
  });
  const { application, environment } = app.scope;
  const content = {
    version: 1,
    application,
    services: Object.fromEntries(services),
    environments: { [environment]: { target, rollout: ROLLOUT } },
  };
  return { text: JSON.stringify(content, null, 2), env };
}

interface Place {
  readonly target: object;
  readonly names?: Readonly<Record<string, object>>;
  readonly env: Readonly<Record<string, string>>;
}

function placeOf({ scope, opener }: ApplicationStand): Place {
  const { target: kind, project } = scope;
  const { settings } = opener();
  if (kind === "compose") {
    const { env, folder } = settings as ComposeSettings;
    return { target: { kind, project, files: [`${folder}/compose.yaml`], directory: folder }, env };
  }
  if (kind === "swarm") {
    const { env, files } = settings as SwarmSettings;
    return { target: { kind, stack: project, ...(files.length > 0 && { files }) }, env };
  }
  const { kubeconfig, services } = settings as KubernetesSettings;
  const names = Object.entries(services).map(([name, { workload }]) => [name, { kubernetes: workload }] as const);
  return { target: { kind, kubeconfig, namespace: project }, names: Object.fromEntries(names), env: {} };
}
