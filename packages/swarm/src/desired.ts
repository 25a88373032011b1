import type { Clock, Digest, Finding, Goal, Log, Redactor, Runner, Scope } from "@belay/core";
import type { Docker, Service, ServiceSpec } from "@belay/docker";

/**
 * The contract between the core of this package (plans, executions, restorations: everything that changes services) and
 * whoever says what should run: existing services with another image (`desire-existing.ts`), or a stack that is rendered
 * from files (`stack/`).
 */

/** One service as it should be at the end. */
export interface DesiredService {
  /** Name in `belay.yaml`; a service of the files that `belay.yaml` does not have goes by its key in the files. */
  readonly service: string;
  /** Full name on the engine: `shop_web`. */
  readonly name: string;
  /**
   * The whole spec, the image pinned (`repository@sha256:…`), `Name` and `Mode` included, *without* Belay's labels: those
   * are added when the deployment's number is known.
   *
   * References to configs and secrets carry the content-hashed name in `ConfigName`/`SecretName`, and an empty id: the core
   * puts the ids in just before it sends the spec, by name. Networks are named by name, as `docker stack deploy` does
   * (the core makes ids of them). What is left out means the engine's default; `null`, `{}`, `[]` and `""` count as left out.
   * `Mode.Replicated` without `Replicas`: the files don't say how many, so the live count stays, and a new service gets one.
   */
  readonly spec: ServiceSpec;
  /** `complete` for jobs and for what the files say runs once (`restart_policy.condition: none`). */
  readonly goal: Goal;
  /** `service` names that must be right before this one changes (`depends_on` or Belay's own order). Without cycles. */
  readonly dependsOn: readonly string[];
}

/** A whole stack as it should be. */
export interface DesiredStack {
  readonly services: readonly DesiredService[];
  /**
   * Full names of services of this stack (label `com.docker.stack.namespace`) that the files no longer have and that are this
   * scope's own: removed in a last stage, after the new release was proven, and brought back on the way back.
   */
  readonly prune: readonly string[];
  /** What rendering found: unsupported keys, missing external configs, a network that would have to be made anew. */
  readonly findings: readonly Finding[];
  /** What the way back does not cover, by name: `the volume shop_data`. */
  readonly notCovered: readonly string[];
  /** One line each, names only: `network shop_default is created`, `config shop_nginx_3fa9c1 is created`. */
  readonly changes: readonly string[];
  /**
   * Creates the networks, configs and secrets that do not exist yet, labelled with `labels` (Belay's: scope, application,
   * environment, deployment, release). Safe to repeat; a name conflict with equal content is no error.
   */
  create(labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>;
  /**
   * After the last stage was proven: removes configs and secrets of this scope that nobody needs any more.
   *
   * One that no service refers to gets the label {@link UNUSED_SINCE} with `deployment` (labels are the one thing of them
   * that can change), because snapshots up to this deployment may refer to it; one that is used again loses the label. It is
   * removed when that number is below `oldestKept`. Networks go as soon as nothing uses them: the way back makes them anew
   * by name. What is still in use (the engine refuses) stays, without an error. `clear` does the work on each of them, and
   * decides on what is refused for another reason; without it that is thrown.
   */
  tidy(kept: KeptFiles, signal: AbortSignal, clear?: Clear): Promise<void>;
}

/** Clears one resource of a stack away. */
export type Clear = (
  kind: "config" | "secret" | "network",
  name: string,
  work: () => Promise<unknown>,
) => Promise<void>;

/** Label of a config or secret that no service refers to: number of the deployment after which that was found first. */
export const UNUSED_SINCE = "dev.belay.unused-since";

/** What must not be removed because a release that can still be gone back to refers to it. */
export interface KeptFiles {
  /** Lowest number of which the ledger has records: snapshots from that deployment on can be gone back to. */
  readonly oldestKept: number;
  /** The deployment that is being carried out. */
  readonly deployment: number;
}

/**
 * The way back of the stack's other resources, also exported by `stack/` as `removeCreated(docker, query, ports, signal)`: removes
 * networks, configs and secrets with this scope's label and a deployment number above `newerThan`, once no service uses
 * them. Called after the services were restored. Safe to repeat; what is in use or gone is no error.
 */
export interface CreatedSince {
  /** {@link scopeHash} of the scope: value of the label `dev.belay.scope`. */
  readonly scope: string;
  /** Highest deployment number on the labels before the first change. */
  readonly newerThan: number;
}

/** Where the files of a stack are, and with what they are rendered. */
export interface StackFiles {
  /** Absolute paths, at least one. */
  readonly files: readonly string[];
  /** Variables for `${NAME}` in the files. Values may be secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Names in `env` whose values are secrets: messages name them and show no value. */
  readonly secretNames: readonly string[];
  /** The docker command line, for `docker stack config`. Default `docker`. */
  readonly cli?: string;
}

/** What `stack/` exports `renderStack(request: RenderRequest): Promise<DesiredStack>` for. */
export interface RenderRequest {
  readonly docker: Docker;
  readonly runner: Runner;
  readonly log: Log;
  readonly clock: Clock;
  readonly redactor: Redactor;
  /** `scope.project` is the stack's name (`com.docker.stack.namespace`). */
  readonly scope: Scope;
  readonly stack: StackFiles;
  /** Services of `belay.yaml` by name, with their full names on the engine where those are given (`shop_web`). */
  readonly services: Readonly<Record<string, { readonly name?: string }>>;
  /** The release: `repository@sha256:…` by name in `belay.yaml`. */
  readonly images: Readonly<Record<string, string>>;
  /** Platforms of those images, as the release knows them; empty when it does not. For `Placement.Platforms`. */
  readonly platforms: Readonly<Record<string, readonly { readonly os: string; readonly architecture: string }[]>>;
  /** Known members of the images' identities. */
  readonly digests: Readonly<Record<string, readonly Digest[]>>;
  /** All services of the swarm, as they are. */
  readonly existing: readonly Service[];
  readonly signal?: AbortSignal;
}
