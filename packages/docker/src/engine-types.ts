import type { SwarmInfo } from "./swarm-types.ts";

/**
 * What of the Engine API (https://docs.docker.com/reference/api/engine/, v1.41 to v1.47) Belay reads. Names are the
 * engine's own. Objects hold all that the engine sent; only what is used is typed, and what an engine version may
 * leave out is optional.
 */

/** Filters of list and event requests: `{label: ["a=b"]}`. Several values of one name: any for `id`, all for `label`. */
export type Filters = Readonly<Record<string, readonly string[]>>;

export interface EngineInfo {
  /** The engine's host name. */
  readonly Name: string;
  readonly ID: string;
  readonly OSType: string;
  /** As the kernel says it: `x86_64`. */
  readonly Architecture: string;
  readonly ServerVersion: string;
  /** Storage driver: `overlay2`, or `overlayfs` and the like with the containerd image store. */
  readonly Driver: string;
  readonly DriverStatus?: readonly (readonly [string, string])[] | null;
  /** The engine's clock, ISO 8601 with nanoseconds. */
  readonly SystemTime: string;
  readonly NCPU?: number;
  readonly MemTotal?: number;
  readonly RegistryConfig?: {
    readonly InsecureRegistryCIDRs?: readonly string[] | null;
    readonly IndexConfigs?: Readonly<
      Record<string, { readonly Secure: boolean; readonly Mirrors?: readonly string[] }>
    >;
    readonly Mirrors?: readonly string[] | null;
  } | null;
  readonly Swarm?: SwarmInfo;
}

export interface EngineVersion {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly MinAPIVersion?: string;
  readonly Os: string;
  /** As Go says it: `amd64`. */
  readonly Arch: string;
}

export type ContainerStatus = "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";

export interface ContainerSummary {
  readonly Id: string;
  /** Each with a leading slash. */
  readonly Names: readonly string[];
  readonly Image: string;
  readonly ImageID: string;
  /** Seconds since 1970, engine's clock. */
  readonly Created: number;
  readonly State: ContainerStatus;
  /** For people; the health stands at its end: `Up 5 minutes (healthy)`, `Up 2 seconds (health: starting)`. */
  readonly Status: string;
  readonly Labels: Readonly<Record<string, string>>;
  /** Without the aliases. */
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, EndpointSettings>> | null } | null;
  readonly Mounts?: readonly MountPoint[] | null;
}

export interface HealthProbeResult {
  readonly Start: string;
  readonly End: string;
  readonly ExitCode: number;
  readonly Output: string;
}

export interface ContainerHealth {
  readonly Status: "none" | "starting" | "healthy" | "unhealthy";
  readonly FailingStreak: number;
  /** The last five results, oldest first. */
  readonly Log?: readonly HealthProbeResult[] | null;
}

export interface ContainerState {
  readonly Status: ContainerStatus;
  readonly Running: boolean;
  readonly Paused: boolean;
  readonly Restarting: boolean;
  readonly OOMKilled: boolean;
  readonly Dead: boolean;
  readonly Pid: number;
  readonly ExitCode: number;
  readonly Error: string;
  /** `0001-01-01T00:00:00Z` when never. */
  readonly StartedAt: string;
  readonly FinishedAt: string;
  /** Absent without a HEALTHCHECK, and before the first start. */
  readonly Health?: ContainerHealth | null;
}

/** Durations in nanoseconds; 0 or absent means the engine's default. */
export interface HealthcheckConfig {
  /** `["NONE"]` switches the image's check off. */
  readonly Test?: readonly string[] | null;
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export interface ContainerConfig {
  readonly Image?: string;
  readonly Hostname?: string;
  readonly User?: string;
  readonly Env?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Healthcheck?: HealthcheckConfig | null;
  readonly ExposedPorts?: Readonly<Record<string, object>> | null;
  readonly Volumes?: Readonly<Record<string, object>> | null;
  readonly StopSignal?: string;
  /** Seconds; 10 when absent. */
  readonly StopTimeout?: number | null;
  readonly Tty?: boolean;
}

export interface PortBinding {
  readonly HostIp: string;
  readonly HostPort: string;
}

export type PortMap = Readonly<Record<string, readonly PortBinding[] | null>>;

export interface HostConfig {
  readonly NetworkMode?: string;
  readonly RestartPolicy?: { readonly Name: string; readonly MaximumRetryCount?: number };
  readonly PortBindings?: PortMap | null;
  readonly Binds?: readonly string[] | null;
  readonly Devices?: readonly unknown[] | null;
  readonly AutoRemove?: boolean;
}

export interface MountPoint {
  readonly Type: string;
  readonly Name?: string;
  readonly Source: string;
  readonly Destination: string;
  readonly RW: boolean;
}

/** A container's place in a network; also what {@link Networks.connect} takes. */
export interface EndpointSettings {
  readonly Aliases?: readonly string[] | null;
  readonly Links?: readonly string[] | null;
  readonly IPAMConfig?: { readonly IPv4Address?: string; readonly IPv6Address?: string } | null;
  readonly DriverOpts?: Readonly<Record<string, string>> | null;
  readonly MacAddress?: string;
  /** From API 1.44 on: all names that DNS answers, the container's id and name among them. */
  readonly DNSNames?: readonly string[] | null;
  readonly NetworkID?: string;
  readonly EndpointID?: string;
  readonly Gateway?: string;
  /** Empty while the container is not running. */
  readonly IPAddress?: string;
  readonly GlobalIPv6Address?: string;
}

export interface ContainerInspect {
  readonly Id: string;
  /** With a leading slash. */
  readonly Name: string;
  readonly Created: string;
  /** The image's id: its config digest with the classic store, its manifest or index digest with containerd's. */
  readonly Image: string;
  readonly RestartCount: number;
  readonly Path: string;
  readonly Args: readonly string[];
  readonly State: ContainerState;
  readonly Config: ContainerConfig;
  readonly HostConfig: HostConfig;
  readonly Mounts: readonly MountPoint[];
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, EndpointSettings>>;
    readonly Ports?: PortMap | null;
  };
}

/** Body of a container's creation. More keys than the typed ones may be given: they go to the engine as they are. */
export interface ContainerCreateBody extends ContainerConfig {
  readonly HostConfig?: HostConfig & Readonly<Record<string, unknown>>;
  readonly NetworkingConfig?: { readonly EndpointsConfig: Readonly<Record<string, EndpointSettings>> };
  readonly [key: string]: unknown;
}

export interface ImageSummary {
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  readonly RepoDigests?: readonly string[] | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

export interface ImageInspect {
  /** Config digest with the classic store; manifest or index digest with containerd's. */
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  /** `repository@sha256:…` of each place it was pulled from or pushed to. */
  readonly RepoDigests?: readonly string[] | null;
  readonly Created?: string;
  readonly Os: string;
  readonly Architecture: string;
  readonly Variant?: string;
  readonly Size: number;
  readonly Config?: ContainerConfig | null;
  readonly RootFS?: { readonly Type: string; readonly Layers?: readonly string[] };
  /** With containerd's image store, from API 1.48 on: what `Id` points to. */
  readonly Descriptor?: { readonly mediaType: string; readonly digest: string; readonly size: number };
}

export interface DistributionInspect {
  readonly Descriptor: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly Platforms?:
    | readonly { readonly os: string; readonly architecture: string; readonly variant?: string }[]
    | null;
}

export interface NetworkInspect {
  readonly Name: string;
  readonly Id: string;
  readonly Driver: string;
  /** `local`, or `swarm` for networks of all nodes. */
  readonly Scope: string;
  readonly Internal: boolean;
  readonly Attachable?: boolean;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Options?: Readonly<Record<string, string>> | null;
  readonly IPAM?: { readonly Config?: readonly { readonly Subnet?: string; readonly Gateway?: string }[] | null };
  /** Running containers by id; only when one network is inspected. */
  readonly Containers?: Readonly<
    Record<string, { readonly Name: string; readonly IPv4Address: string; readonly IPv6Address: string }>
  > | null;
}

/** Body of a network's creation. More keys than the typed ones may be given: they go to the engine as they are. */
export interface NetworkCreateBody {
  readonly Name: string;
  readonly Driver?: string;
  readonly Attachable?: boolean;
  readonly Internal?: boolean;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Options?: Readonly<Record<string, string>>;
  readonly IPAM?: { readonly Driver?: string; readonly Config?: readonly { readonly Subnet?: string }[] };
  readonly [key: string]: unknown;
}

export interface Volume {
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint: string;
  readonly CreatedAt?: string;
  /** `null` too for a volume whose labels a dying engine did not write. */
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly Options?: Readonly<Record<string, string>> | null;
  readonly Scope: string;
}

export interface EngineEvent {
  /** `container`, `image`, `network`, `volume`, … */
  readonly Type: string;
  /** `start`, `die`, `oom`, `kill`, `health_status: healthy`, `exec_die`, … */
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes?: Readonly<Record<string, string>> };
  /** Seconds since 1970, engine's clock. */
  readonly time: number;
  /** Nanoseconds since 1970, as exact as a JavaScript number is (about 256 ns). */
  readonly timeNano: number;
}

/** One line of a build, pull or push. */
export interface ProgressMessage {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly errorDetail?: { readonly code?: number; readonly message?: string };
  readonly error?: string;
  readonly aux?: { readonly Tag?: string; readonly Digest?: string; readonly Size?: number };
}
