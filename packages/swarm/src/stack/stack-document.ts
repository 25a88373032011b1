/**
 * What `docker stack config` writes (docker/cli, `cli/compose/types`) and Belay reads: files merged, variables put in, short
 * forms made long, paths made absolute. Durations are Go's (`1m30s`), sizes are bytes as text.
 */
export interface StackDocument {
  readonly services: Readonly<Record<string, StackService>>;
  readonly networks: Readonly<Record<string, StackNetwork | null>>;
  readonly volumes: Readonly<Record<string, StackVolume | null>>;
  readonly configs: Readonly<Record<string, StackFile>>;
  readonly secrets: Readonly<Record<string, StackFile>>;
}

type Texts = readonly string[];
type Mapping = Readonly<Record<string, string>>;

export interface StackService {
  readonly cap_add?: Texts;
  readonly cap_drop?: Texts;
  readonly command?: Texts;
  readonly configs?: readonly StackFileUse[];
  readonly credential_spec?: { readonly config?: string; readonly file?: string; readonly registry?: string };
  readonly depends_on?: Texts;
  readonly deploy?: StackDeploy;
  readonly dns?: Texts;
  readonly dns_search?: Texts;
  readonly entrypoint?: Texts;
  /** `null`: the image's value of this name is taken away. */
  readonly environment?: Readonly<Record<string, string | null>>;
  /** `host:address`. */
  readonly extra_hosts?: Texts;
  readonly healthcheck?: StackHealthcheck;
  readonly hostname?: string;
  readonly image?: string;
  readonly init?: boolean;
  readonly isolation?: string;
  readonly labels?: Mapping;
  readonly logging?: { readonly driver?: string; readonly options?: Mapping };
  readonly networks?: Readonly<Record<string, StackAttachment | null>>;
  readonly ports?: readonly StackPort[];
  readonly read_only?: boolean;
  readonly restart?: string;
  readonly secrets?: readonly StackFileUse[];
  readonly stdin_open?: boolean;
  readonly stop_grace_period?: string;
  readonly stop_signal?: string;
  readonly sysctls?: Mapping;
  readonly tty?: boolean;
  readonly ulimits?: Readonly<Record<string, number | { readonly soft?: number; readonly hard?: number }>>;
  readonly user?: string;
  readonly volumes?: readonly StackMount[];
  readonly working_dir?: string;
  readonly [key: string]: unknown;
}

export interface StackDeploy {
  readonly mode?: string;
  readonly replicas?: number;
  readonly labels?: Mapping;
  readonly update_config?: StackUpdate;
  readonly rollback_config?: StackUpdate;
  readonly resources?: { readonly limits?: StackLimits; readonly reservations?: StackReservations };
  readonly restart_policy?: StackRestart;
  readonly placement?: {
    readonly constraints?: Texts;
    readonly preferences?: readonly { readonly spread?: string }[];
    readonly max_replicas_per_node?: number;
  };
  readonly endpoint_mode?: string;
}

export interface StackUpdate {
  readonly parallelism?: number;
  readonly delay?: string;
  readonly failure_action?: string;
  readonly monitor?: string;
  readonly max_failure_ratio?: number;
  readonly order?: string;
}

export interface StackLimits {
  readonly cpus?: string;
  readonly memory?: string;
  readonly pids?: number;
}

export interface StackReservations {
  readonly cpus?: string;
  readonly memory?: string;
  readonly generic_resources?: readonly {
    readonly discrete_resource_spec?: { readonly kind?: string; readonly value?: number };
  }[];
}

export interface StackRestart {
  readonly condition?: string;
  readonly delay?: string;
  readonly max_attempts?: number;
  readonly window?: string;
}

export interface StackHealthcheck {
  readonly test?: Texts;
  readonly interval?: string;
  readonly timeout?: string;
  readonly retries?: number;
  readonly start_period?: string;
  readonly start_interval?: string;
  readonly disable?: boolean;
}

export interface StackAttachment {
  readonly aliases?: Texts;
  readonly driver_opts?: Mapping;
  readonly ipv4_address?: string;
  readonly ipv6_address?: string;
}

export interface StackPort {
  readonly mode?: string;
  readonly target?: number;
  readonly published?: number;
  readonly protocol?: string;
}

export interface StackMount {
  readonly type?: string;
  readonly source?: string;
  readonly target?: string;
  readonly read_only?: boolean;
  readonly consistency?: string;
  readonly bind?: { readonly propagation?: string };
  readonly volume?: { readonly nocopy?: boolean; readonly subpath?: string };
  readonly image?: { readonly subpath?: string };
  readonly tmpfs?: { readonly size?: number };
}

/** A config or secret as a service uses it. */
export interface StackFileUse {
  readonly source?: string;
  readonly target?: string;
  readonly uid?: string;
  readonly gid?: string;
  readonly mode?: number;
}

export interface StackNetwork {
  readonly name?: string;
  readonly driver?: string;
  readonly driver_opts?: Mapping;
  readonly ipam?: { readonly driver?: string; readonly config?: readonly { readonly subnet?: string }[] };
  readonly external?: boolean;
  readonly internal?: boolean;
  readonly attachable?: boolean;
  readonly labels?: Mapping;
}

export interface StackVolume {
  readonly name?: string;
  readonly driver?: string;
  readonly driver_opts?: Mapping;
  readonly external?: boolean;
  readonly labels?: Mapping;
}

/** A config or secret at the top of the document. */
export interface StackFile {
  readonly name?: string;
  /** Absolute. Also there (as the files' folder) when the files name none. */
  readonly file?: string;
  readonly external?: boolean;
  readonly labels?: Mapping;
  readonly driver?: string;
  readonly driver_opts?: Mapping;
  readonly template_driver?: string;
  /** See {@link STAND_INS}. */
  readonly "x-belay-content"?: string;
  readonly "x-belay-environment"?: string;
}

/**
 * Keys of the compose specification that say something a swarm can do and that docker's stack commands refuse (CLI 28.5).
 * They pass through those as extension keys, variables inside put in.
 */
export const STAND_INS = { content: "x-belay-content", environment: "x-belay-environment" } as const;

/** Label of docker's stack commands on all that belongs to a stack. */
export const STACK_LABEL = "com.docker.stack.namespace";

/** Name on the engine of what the files call `key`. */
export function scopedName(stack: string, key: string, given?: string): string {
  return given === undefined || given === "" ? `${stack}_${key}` : given;
}
