import { type DeploymentContext, LABELS, type Scope, scopeHash } from "@belay/core";
import type { ComposeProject, ComposeResource, ComposeService } from "./compose-project.ts";
import { formatRevision } from "./revision.ts";

/** The project with `image: repository@sha256:…` in place of image and build. Keys of `pins` are compose's service names. */
export function pinImages(project: ComposeProject, pins: Readonly<Record<string, string>>): ComposeProject {
  return mapServices(project, (name, service) => {
    const image = pins[name];
    if (image === undefined) return service;
    const { build, ...rest } = service;
    return { ...rest, image };
  });
}

/** The project with more labels on some services. They enter compose's own hash, so a coherent command must give them too. */
export function addLabels(
  project: ComposeProject,
  labels: Readonly<Record<string, Readonly<Record<string, string>>>>,
): ComposeProject {
  return mapServices(project, (name, service) =>
    labels[name] === undefined ? service : { ...service, labels: { ...service.labels, ...labels[name] } },
  );
}

/**
 * The project with every network and volume that exists declared as external. Without this, compose *replaces* a network
 * whose definition in the files has changed: it stops all containers of the project that are in it (compose v2.40,
 * `removeDivergedNetwork`), also those that Belay must not touch.
 */
export function keepResources(
  project: ComposeProject,
  existing: { readonly networks: ReadonlySet<string>; readonly volumes: ReadonlySet<string> },
): ComposeProject {
  return {
    ...project,
    networks: externalise(project, project.networks, existing.networks),
    volumes: externalise(project, project.volumes, existing.volumes),
  };
}

function externalise(
  project: ComposeProject,
  resources: ComposeProject["networks"],
  existing: ReadonlySet<string>,
): Record<string, ComposeResource | null> {
  const entries = Object.entries(resources ?? {}).map(([key, resource]): [string, ComposeResource | null] => {
    const name = resource?.name ?? `${project.name}_${key}`;
    return [key, existing.has(name) ? { name, external: true } : resource];
  });
  return Object.fromEntries(entries);
}

/** Labels that Belay writes on each container it makes. */
export function belayLabels(
  scope: Scope,
  service: string,
  hash: string,
  context: Pick<DeploymentContext, "deployment" | "release">,
): Record<string, string> {
  return {
    [LABELS.application]: scope.application,
    [LABELS.environment]: scope.environment,
    [LABELS.scope]: scopeHash(scope),
    [LABELS.service]: service,
    [LABELS.deployment]: String(context.deployment),
    [LABELS.release]: context.release,
    [LABELS.revision]: formatRevision(hash, context.deployment),
  };
}

function mapServices(
  project: ComposeProject,
  change: (name: string, service: ComposeService) => ComposeService,
): ComposeProject {
  const services = Object.entries(project.services).map(([name, service]) => [name, change(name, service)] as const);
  return { ...project, services: Object.fromEntries(services) };
}
