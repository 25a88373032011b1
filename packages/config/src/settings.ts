import type { ImageReference, Probe, RolloutPolicy } from "@belay/core";

/** How the image of a service is built. Paths are absolute. */
export interface BuildSettings {
  /** Folder that is sent to the builder. */
  readonly context: string;
  /** An image that the engine has already, by name or ID: it is taken instead of a build. */
  readonly from?: string;
  /** An image that was saved, in an archive or as OCI image layout (absolute): it is taken instead of a build. */
  readonly archive?: string;
  /** Default: `Dockerfile` in the context. */
  readonly dockerfile?: string;
  readonly target?: string;
  /** Stage that runs the tests: built first, and a failure of it ends the run. */
  readonly testTarget?: string;
  readonly args: Readonly<Record<string, string>>;
  /** Empty: the builder's own platform. */
  readonly platforms: readonly string[];
  /** More contexts by name: a folder, an address, `docker-image://…`, `target:…`. */
  readonly contexts?: Readonly<Record<string, string>>;
  /** Secrets of steps by the id under which they are mounted. */
  readonly secrets?: Readonly<Record<string, BuildSecret>>;
  /** `default`, or `id=path`. */
  readonly ssh?: readonly string[];
  /** As `docker buildx build --cache-from` takes them, `{service}` filled in. */
  readonly cacheFrom?: readonly string[];
  readonly cacheTo?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly provenance?: "min" | "max";
  /** `true`: BuildKit's own generator; text: the image of another one. */
  readonly sbom?: true | string;
  /** Default true: times come from the commit. */
  readonly reproducible?: boolean;
  readonly pull?: boolean;
  readonly noCache?: boolean;
  /** JUnit reports: an absolute folder in the test stage. */
  readonly testReports?: string;
  /** JUnit reports that are on this machine: an absolute path. */
  readonly testReportFiles?: string;
  /** Rules for tags as docker/metadata-action has them. */
  readonly tags?: readonly string[];
  readonly flavor?: readonly string[];
}

/** Where a secret of the build comes from: the environment of the run, or a file (absolute). */
export type BuildSecret = { readonly env: string } | { readonly file: string };

/** What a service is called on an engine, where that is not its name in `belay.yaml`. */
export interface ServiceNames {
  readonly compose?: string;
  readonly swarm?: string;
  readonly kubernetes?: string;
  /** Container of the pod. */
  readonly container?: string;
}

export interface ServiceSettings {
  /**
   * As written, with `{service}` and variables filled in. With `build` it is a repository without tag and digest;
   * else it may be pinned (`repository@sha256:…`), or carry a tag that has to be resolved to a digest before it is used.
   * Missing only where neither belay.yaml nor an input names one: the release must then have it.
   */
  readonly image?: string;
  /** `image`, read. */
  readonly reference?: ImageReference;
  readonly build?: BuildSettings;
  readonly names: ServiceNames;
}

export interface ComposeTarget {
  readonly kind: "compose";
  /** Docker context; never together with `host`. Neither: what the docker CLI itself would use. */
  readonly context?: string;
  /** `ssh://user@host`, `tcp://host:2376`, `unix:///…`. */
  readonly host?: string;
  readonly project: string;
  /** Absolute paths. Empty: Compose's own default names in `directory`. */
  readonly files: readonly string[];
  /** Compose's profiles; none where left out. */
  readonly profiles?: readonly string[];
  /** Absolute: Compose's project directory. Default as Compose has it: the folder of the first file, or belay.yaml's. */
  readonly directory: string;
}

export interface SwarmTarget {
  readonly kind: "swarm";
  readonly context?: string;
  readonly host?: string;
  readonly stack: string;
  /** Absolute paths. */
  readonly files: readonly string[];
}

export interface KubernetesTarget {
  readonly kind: "kubernetes";
  /** Absolute path; never together with `kubeconfigText`. Neither: what kubectl itself would use. */
  readonly kubeconfig?: string;
  /** A whole kubeconfig, given as a secret: it is never written to a file. */
  readonly kubeconfigText?: string;
  readonly context?: string;
  /** Default: the context's own, else `default`. */
  readonly namespace?: string;
  /** Absolute paths of files and folders, in their order. Empty: only the images of workloads that exist are changed. */
  readonly files: readonly string[];
}

export type TargetSettings = ComposeTarget | SwarmTarget | KubernetesTarget;

/** Command that tells a proxy about new instances, run inside a container of `service`. */
export interface ShiftHook {
  /** Name in the target's files; it need not be one of belay.yaml's services. */
  readonly service: string;
  readonly command: readonly string[];
}

/** What the stages before a deployment need: no environment has to be known for them, and no secret is read. */
export interface ApplicationSettings {
  readonly application: string;
  /** By name in `belay.yaml`. Never empty. */
  readonly services: Readonly<Record<string, ServiceSettings>>;
  /** Absolute: the folder of belay.yaml, or the working directory when there is none. */
  readonly directory: string;
}

/** Who has to have signed an image: the holder of a key, or whoever a certificate names. */
export type SignatureRequirement = {
  /** Services whose images need none, as long as they are the very ones that belay.yaml pins by digest. */
  readonly except?: readonly string[];
} & (
  | {
      /** Absolute path of a public key in PEM. */
      readonly keyFile: string;
    }
  | {
      readonly identity: string;
      readonly issuer: string;
      /** Absolute path: one or more, one a line. Default: Sigstore's public one. */
      readonly trustedRoot?: string;
      /** `owner/name`: GitHub repository that it must have been made in. */
      readonly repository?: string;
    }
);

/** Everything about one environment, checked and complete. */
export interface Settings extends ApplicationSettings {
  readonly environment: string;
  /** Where people reach it. */
  readonly url?: string;
  /** GitHub's `production_environment`. Default: whether the name is `production`. */
  readonly production: boolean;
  /** GitHub's `transient_environment`: it will be gone one day, as a preview of a pull request. */
  readonly transient: boolean;
  readonly target: TargetSettings;
  readonly rollout: RolloutPolicy;
  /** Images without this signature are not deployed. */
  readonly requireSignature?: SignatureRequirement;
  readonly shift?: ShiftHook;
  readonly health: readonly Probe[];
  /** For `${NAME}` in the target's files. */
  readonly variables: Readonly<Record<string, string>>;
  /** Values, for the target's files only: they travel by environment, and `onSecret` has seen each of them. */
  readonly secrets: Readonly<Record<string, string>>;
  /**
   * Secrets without a value, and the environment variable that each would have come from: only when not all were asked for.
   */
  readonly missingSecrets: Readonly<Record<string, string>>;
}
