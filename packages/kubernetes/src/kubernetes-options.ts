import type { Clock, Log, Redactor, Release, Scope } from "@belay/core";
import type { DesiredState, ObjectVerb } from "./desired.ts";
import type { KubernetesApi } from "./kubernetes-api.ts";

/** What a service of `belay.yaml` is called on the cluster, where that differs. */
export interface ServiceNames {
  /** `deployment/web`, `statefulset/db`. Default: the Deployment with the service's name. */
  readonly workload?: string;
  /** Container whose image the release has. Default: the only one, or the one with the service's name. */
  readonly container?: string;
}

export interface KubernetesTargetOptions {
  /** Closed by its owner. */
  readonly api: KubernetesApi;
  /** `scope.project` is the namespace. */
  readonly scope: Scope;
  readonly services: Readonly<Record<string, ServiceNames>>;
  readonly log: Log;
  readonly clock: Clock;
  readonly redactor: Redactor;
  /** What the user's manifests want. Without it only the images of workloads that exist are changed. */
  readonly manifests?: {
    render(release: Release, signal?: AbortSignal): Promise<DesiredState>;
    readonly verb: ObjectVerb;
    /** Whether an object of this kind is never removed, because what it holds would be lost. */
    isKept(kind: string): boolean;
  };
  /** Whether a registry still has an image; asked for the new one (is it there?) and the old one (is there a way back?). */
  readonly imageAvailable?: (reference: string) => Promise<"yes" | "no" | "cannot tell">;
  /** In front of `kubectl` in advice: `["--context", "staging"]`. */
  readonly kubectlArgs?: readonly string[];
  /** Whether probes run commands in pods, which the user then must be allowed to do. Default: no. */
  readonly runsCommands?: boolean;
}
