import { digestOf, LABELS, shortDigest } from "@belay/core";
import type { ComposeFileDefinition, ComposeFileUse, ComposeProject, ComposeService } from "./compose-project.ts";

/** Labels of compose itself. */
export const COMPOSE_LABELS = {
  project: "com.docker.compose.project",
  service: "com.docker.compose.service",
  number: "com.docker.compose.container-number",
  oneoff: "com.docker.compose.oneoff",
  configHash: "com.docker.compose.config-hash",
  dependsOn: "com.docker.compose.depends_on",
} as const;

/**
 * 12 hexadecimal digits that change when what a container is made of changes: the service as compose renders it (image,
 * command, environment, limits, …) and the text of configs and secrets that compose copies into it.
 *
 * Compose's own `config --hash` is not used: it leaves those texts out, so that a rotated secret would look unchanged, and
 * it differs from the label on the containers where a service has an `env_file` (seen with v2.40.3). Left out as there:
 * what says how many, when and from which sources, not what.
 */
export function revisionHash(project: ComposeProject, name: string, env: Readonly<Record<string, string>>): string {
  const service = project.services[name] ?? {};
  const files = {
    configs: texts(service.configs, project.configs, env),
    secrets: texts(service.secrets, project.secrets, env),
  };
  return shortDigest(digestOf({ service: essence(service), files }));
}

function essence(service: ComposeService): Record<string, unknown> {
  const { build, pull_policy, scale, depends_on, profiles, develop, deploy, ...rest } = service;
  const { replicas, ...limits } = deploy ?? {};
  return { ...rest, ...(deploy === undefined ? {} : { deploy: limits }) };
}

function texts(
  uses: readonly ComposeFileUse[] | undefined,
  definitions: Readonly<Record<string, ComposeFileDefinition>> | undefined,
  env: Readonly<Record<string, string>>,
): unknown[] {
  return (uses ?? []).map(({ source }) => {
    const { content, environment, file } = definitions?.[source] ?? {};
    return { source, content, file, value: environment === undefined ? undefined : env[environment] };
  });
}

/** `3fa9c1d2e4b5.7`: what is run, and which deployment made it. */
export function formatRevision(hash: string, deployment: number): string {
  return `${hash}.${deployment}`;
}

/** The part of a revision that tells *what* runs. */
export function hashOf(revision: string): string {
  return revision.split(".")[0] ?? revision;
}

/**
 * Revision of a container: Belay's label, or compose's own hash and `.0` for what a plain `docker compose up` made.
 */
export function revisionOf(labels: Readonly<Record<string, string>>): string {
  const own = labels[LABELS.scope] === undefined ? undefined : labels[LABELS.revision];
  return own ?? formatRevision((labels[COMPOSE_LABELS.configHash] ?? "unknown").slice(0, 12), 0);
}
