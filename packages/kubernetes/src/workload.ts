import { digestOf, type Goal, shortDigest } from "@belay/core";
import type { KubernetesObject, ObjectKey, ObjectMeta } from "./kubernetes-object.ts";

export const WORKLOAD_KINDS = ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"] as const;

/** Kinds of objects that make pods and whose pods Belay judges. */
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

export interface PodContainer {
  readonly name: string;
  readonly image?: string;
  /** `Always` makes an init container a sidecar. */
  readonly restartPolicy?: string;
  readonly readinessProbe?: object;
  readonly livenessProbe?: object;
  readonly startupProbe?: object;
  readonly [key: string]: unknown;
}

export interface PodSpec {
  readonly containers: readonly PodContainer[];
  readonly initContainers?: readonly PodContainer[];
  readonly nodeName?: string;
  /** `Always` for all pods that are to serve; those of jobs have `Never` or `OnFailure`. */
  readonly restartPolicy?: string;
  readonly [key: string]: unknown;
}

export interface PodTemplate {
  readonly metadata?: Partial<ObjectMeta>;
  readonly spec: PodSpec;
}

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string | null;
}

/** A Deployment, StatefulSet, DaemonSet, Job, CronJob or ReplicaSet, as far as Belay looks at it. */
export interface Workload extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number;
    readonly template?: PodTemplate;
    readonly jobTemplate?: { readonly spec: { readonly template: PodTemplate } };
    readonly paused?: boolean;
    readonly suspend?: boolean;
    readonly completions?: number;
    readonly parallelism?: number;
    readonly backoffLimit?: number;
    readonly ttlSecondsAfterFinished?: number;
    readonly progressDeadlineSeconds?: number;
    readonly updateStrategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly partition?: number };
    };
    readonly [key: string]: unknown;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly desiredNumberScheduled?: number;
    readonly failed?: number;
    readonly conditions?: readonly Condition[];
    readonly [key: string]: unknown;
  };
}

const VERSIONS: Readonly<Record<WorkloadKind, string>> = {
  Deployment: "apps/v1",
  StatefulSet: "apps/v1",
  DaemonSet: "apps/v1",
  Job: "batch/v1",
  CronJob: "batch/v1",
};

export function isWorkloadKind(kind: string): kind is WorkloadKind {
  return (WORKLOAD_KINDS as readonly string[]).includes(kind);
}

export function isWorkload(object: KubernetesObject): object is Workload {
  return isWorkloadKind(object.kind) && typeof object.spec === "object";
}

/** What kubectl takes for a kind, beside its name in any case. */
const SHORT: Readonly<Record<string, WorkloadKind>> = {
  deploy: "Deployment",
  sts: "StatefulSet",
  ds: "DaemonSet",
  cj: "CronJob",
};

/** Reads `deployment/web`, `sts/db`, `web` (a Deployment). `undefined` for another kind. */
export function parseWorkload(text: string): ObjectKey | undefined {
  const [first = "", ...rest] = text.split("/");
  if (rest.length > 1) return undefined;
  const [name = first] = rest;
  const word = rest.length === 0 ? "deployment" : first.toLowerCase().split(".")[0];
  const kind =
    WORKLOAD_KINDS.find((one) => one.toLowerCase() === word || `${one.toLowerCase()}s` === word) ?? SHORT[word ?? ""];
  return kind && { apiVersion: VERSIONS[kind], kind, name };
}

export function templateOf(object: KubernetesObject): PodTemplate | undefined {
  const { spec } = object as Workload;
  return spec?.template ?? spec?.jobTemplate?.spec.template;
}

/** JSON pointer of the pod template. */
export function templatePath(kind: string): string {
  return kind === "CronJob" ? "/spec/jobTemplate/spec/template" : "/spec/template";
}

export function goalOf(kind: string): Goal {
  return kind === "Job" ? "complete" : "run";
}

/** How many pods should be there (or complete) now. A CronJob's pods come and go by the clock: none is waited for. */
export function desiredOf(workload: Workload): number {
  const { spec, status, kind } = workload;
  if (kind === "CronJob") return 0;
  if (kind === "DaemonSet") return status?.desiredNumberScheduled ?? 0;
  if (kind === "Job") return spec.suspend === true ? 0 : (spec.completions ?? spec.parallelism ?? 1);
  return spec.replicas ?? 1;
}

/** Labels that the controllers add to a template's copies: not what a person wrote. */
const OWN_LABELS = [
  "pod-template-hash",
  "controller-revision-hash",
  "controller-uid",
  "batch.kubernetes.io/controller-uid",
  "job-name",
  "batch.kubernetes.io/job-name",
];

/**
 * 12 hexadecimal digits of a pod template as the API server stores it: the same template, in a workload or in the copy that
 * its ReplicaSet or ControllerRevision keeps, has the same. The Deployment controller compares just so
 * (`EqualIgnoreHash`); its own hash can't be known before the change.
 */
export function revisionOf(template: PodTemplate): string {
  const { labels, ...metadata } = template.metadata ?? {};
  const kept = Object.entries(labels ?? {}).filter(([name]) => !OWN_LABELS.includes(name));
  const plain = { metadata: { ...metadata, labels: Object.fromEntries(kept) }, spec: template.spec };
  return shortDigest(digestOf(withoutNothing(plain)));
}

/** Encoders differ in whether they write what is not there (`creationTimestamp: null`). */
function withoutNothing(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNothing);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNothing(inner)]));
}

/** All containers of a template with their images: `initContainers` too. */
export function imagesOf(template: PodTemplate): Readonly<Record<string, string>> {
  const all = [...(template.spec.initContainers ?? []), ...template.spec.containers];
  return Object.fromEntries(all.map(({ name, image }) => [name, image ?? ""]));
}
