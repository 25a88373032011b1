import { LABELS, type Scope, scopeHash } from "@belay/core";

/** What the simulated compose project belongs to. */
export const COMPOSE_SCOPE: Scope = { target: "compose", project: "fleet", application: "fleet", environment: "bench" };

/** Labels of the containers that one of the two releases has brought, as Belay writes them. */
export function labelsOfRelease(release: 1 | 2): Readonly<Record<string, string>> {
  const { application, environment } = COMPOSE_SCOPE;
  return {
    [LABELS.application]: application,
    [LABELS.environment]: environment,
    [LABELS.scope]: scopeHash(COMPOSE_SCOPE),
    [LABELS.deployment]: `${release}`,
    [LABELS.release]: `sha256:${String(release).repeat(64)}`,
    [LABELS.revision]: `${String(release).repeat(12)}.${release}`,
  };
}
