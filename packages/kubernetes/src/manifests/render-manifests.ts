import type { Redactor, Release, Runner, Scope } from "@belay/core";
import type { DesiredObject, DesiredState } from "../desired.ts";
import type { KubernetesApi } from "../kubernetes-api.ts";
import { keyOf, titleOf } from "../kubernetes-object.ts";
import { COPY_OF } from "../marks.ts";
import { leaveReplicas } from "./autoscaled.ts";
import { inChangeOrder } from "./change-order.ts";
import { findLeftovers } from "./find-leftovers.ts";
import type { Manifest } from "./manifest.ts";
import { manifestError } from "./manifest-error.ts";
import { notCoveredBy } from "./not-covered.ts";
import { type FillIn, parseManifests } from "./parse-manifests.ts";
import { pinImages, type ServicePlace, WORKLOADS } from "./pin-images.ts";
import { placeObjects } from "./place-objects.ts";
import { readManifestFiles } from "./read-manifest-files.ts";
import { runKustomize } from "./run-kustomize.ts";
import { secretValues } from "./secret-values.ts";
import { makeVersioned } from "./versioned-copies.ts";

export interface RenderOptions extends FillIn {
  readonly api: KubernetesApi;
  readonly scope: Scope;
  /** Runs kubectl for kustomizations. */
  readonly runner: Runner;
  /** Gets what the Secrets of the manifests hold. */
  readonly redactor: Redactor;
  /** More that is no secret when a Secret holds it, besides names and variables: where people reach the environment. */
  readonly open?: readonly string[];
  /** Default: `kubectl`. */
  readonly kubectl?: string;
  /** Absolute paths of files and folders. */
  readonly files: readonly string[];
  /** Absolute: what places in messages are relative to. */
  readonly directory: string;
  readonly release: Release;
  /** By name in belay.yaml. */
  readonly services: Readonly<Record<string, ServicePlace>>;
  readonly signal?: AbortSignal;
}

/**
 * What the user's manifests and a release together say should be. Changes nothing.
 * @throws BelayError CONFIG_INVALID with every problem of the manifests at its place, TOOL_MISSING without kubectl.
 */
export async function renderManifests(options: RenderOptions): Promise<DesiredState> {
  const { api, scope, release, services, signal } = options;
  const read = await readAll(options);
  const open = [scope, services, Object.keys(services), options.variables, options.open];
  for (const value of secretValues(
    read.map(({ body }) => body),
    open,
  ))
    options.redactor.add(value);
  const placed = await placeObjects(api, read, signal);
  throwProblems(placed.problems);
  const pinned = pinImages(placed.manifests, release, services);
  const scaled = await leaveReplicas(api, pinned.manifests, signal);
  const manifests = inChangeOrder(makeVersioned(scaled.manifests));
  const objects = toDesired(manifests);
  const leftovers = await findLeftovers(api, scope, objects, signal);
  return {
    objects,
    prune: leftovers.prune,
    findings: [...placed.findings, ...pinned.findings, ...scaled.findings, ...leftovers.findings],
    notCovered: notCoveredBy(manifests),
  };
}

async function readAll(options: RenderOptions): Promise<readonly Manifest[]> {
  const { files, directory, signal } = options;
  const kustomize = (folder: string, title: string) =>
    runKustomize(folder, title, {
      runner: options.runner,
      ...(options.kubectl === undefined ? {} : { kubectl: options.kubectl }),
      ...(signal === undefined ? {} : { signal }),
    });
  const texts = await readManifestFiles({ files, directory, kustomize });
  const parsed = texts.map((text) => parseManifests(text, options));
  throwProblems(parsed.flatMap(({ problems }) => problems));
  const manifests = parsed.flatMap(({ manifests: found }) => found);
  if (manifests.length === 0) throwProblems([`${texts.map(({ title }) => title).join(", ")}: there is no object`]);
  return manifests;
}

function throwProblems(problems: readonly string[]): void {
  if (problems.length > 0) throw manifestError("reading the manifests", problems);
}

/** Jobs come first (a database is migrated before its new users start), then all other workloads. */
function toDesired(manifests: readonly Manifest[]): readonly DesiredObject[] {
  const jobs = manifests.filter(({ body }) => body.kind === "Job").map(serviceOf);
  return manifests.map((manifest): DesiredObject => {
    const { body } = manifest;
    const place = { ...keyOf(body), verb: "apply" as const, body };
    if (!WORKLOADS.some((kind) => kind === body.kind)) return { ...place, dependsOn: [] };
    const service = serviceOf(manifest);
    if (body.kind === "Job") return { ...place, service, goal: "complete", dependsOn: [] };
    return { ...place, service, ...(body.kind === "CronJob" ? {} : { goal: "run" }), dependsOn: jobs };
  });
}

function serviceOf({ body, service }: Manifest): string {
  return service ?? titleOf({ kind: body.kind, name: body.metadata.annotations?.[COPY_OF] ?? body.metadata.name });
}
