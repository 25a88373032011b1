/**
 * What `docker compose config --format json` writes (compose specification, canonical form) and Belay reads. All other
 * keys are kept as they are: the document goes back to compose.
 */

export interface ComposePort {
  readonly target?: number;
  /** `8080`, `3000-3005`; none or `0` lets the engine choose. */
  readonly published?: string | number;
  readonly host_ip?: string;
  readonly protocol?: string;
}

export interface ComposeMount {
  readonly type: string;
  readonly source?: string;
  readonly target?: string;
  readonly read_only?: boolean;
}

export interface ComposeEndpoint {
  readonly aliases?: readonly string[];
  readonly ipv4_address?: string;
  readonly ipv6_address?: string;
  readonly mac_address?: string;
}

/** A config or secret as a service uses it. */
export interface ComposeFileUse {
  readonly source: string;
  readonly target?: string;
  readonly uid?: string;
  readonly gid?: string;
  readonly mode?: string | number;
}

export interface ComposeFileDefinition {
  readonly name?: string;
  readonly external?: boolean;
  readonly file?: string;
  /** Inline text, with `$` doubled. Compose copies it into the container just before the start. */
  readonly content?: string;
  /** Name of the variable whose value is the content. */
  readonly environment?: string;
}

export interface ComposeDependency {
  readonly condition: "service_started" | "service_healthy" | "service_completed_successfully";
  readonly required?: boolean;
}

export interface ComposeService {
  readonly image?: string;
  readonly platform?: string;
  readonly container_name?: string;
  readonly command?: readonly string[] | null;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ports?: readonly ComposePort[];
  readonly volumes?: readonly ComposeMount[];
  readonly volumes_from?: readonly string[];
  readonly devices?: readonly unknown[];
  readonly network_mode?: string;
  readonly ipc?: string;
  readonly pid?: string;
  readonly mac_address?: string;
  readonly networks?: Readonly<Record<string, ComposeEndpoint | null>>;
  readonly depends_on?: Readonly<Record<string, ComposeDependency>>;
  readonly deploy?: { readonly replicas?: number };
  readonly scale?: number;
  readonly configs?: readonly ComposeFileUse[];
  readonly secrets?: readonly ComposeFileUse[];
  readonly post_start?: readonly unknown[];
  readonly pre_stop?: readonly unknown[];
  readonly provider?: unknown;
  readonly [key: string]: unknown;
}

/** A network or volume at the top of the document. */
export interface ComposeResource {
  readonly name?: string;
  readonly external?: boolean;
}

export interface ComposeProject {
  readonly name: string;
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks?: Readonly<Record<string, ComposeResource | null>>;
  readonly volumes?: Readonly<Record<string, ComposeResource | null>>;
  readonly configs?: Readonly<Record<string, ComposeFileDefinition>>;
  readonly secrets?: Readonly<Record<string, ComposeFileDefinition>>;
}

/** Number of containers that the files ask for, where they do. */
export function declaredScale(service: ComposeService): number | undefined {
  return service.scale ?? service.deploy?.replicas;
}

/** All services that `name` depends on, directly or through others. Order: nearest first. */
export function dependencyClosure(project: ComposeProject, name: string): string[] {
  const found = new Set<string>();
  const queue = [name];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const dependency of Object.keys(project.services[next]?.depends_on ?? {})) {
      if (found.has(dependency) || project.services[dependency] === undefined) continue;
      found.add(dependency);
      queue.push(dependency);
    }
  }
  return [...found];
}

/** True when some service waits for `name` to end well: it runs once. */
export function runsOnce(project: ComposeProject, name: string): boolean {
  return Object.values(project.services).some(
    (service) => service.depends_on?.[name]?.condition === "service_completed_successfully",
  );
}

/** Name of a network or volume on the engine. */
export function resourceName(project: ComposeProject, kind: "networks" | "volumes", key: string): string {
  return project[kind]?.[key]?.name ?? `${project.name}_${key}`;
}

/** Compose writes `$` as `$$` in what it renders. */
export function undouble(texts: readonly string[]): string[] {
  return texts.map((text) => text.replaceAll("$$", "$"));
}
