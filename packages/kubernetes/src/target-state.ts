import type { ObservedService } from "@belay/core";
import type { ObjectVerb, VerbName } from "./desired.ts";
import { workloadKey } from "./existing/desire-existing.ts";
import { ImageVerb } from "./existing/image-verb.ts";
import type { KubernetesObject, ObjectKey } from "./kubernetes-object.ts";
import type { KubernetesTargetOptions } from "./kubernetes-options.ts";
import { NamespaceWatch, neededKinds } from "./observe/namespace-watch.ts";
import type { StuckSince } from "./observe/stuck-since.ts";
import type { Snapshot } from "./snapshot.ts";
import { parseWorkload } from "./workload.ts";

/** Everything that the parts of one Kubernetes target share. */
export class TargetState {
  readonly options: KubernetesTargetOptions;
  readonly watch: NamespaceWatch;
  /** Ends of containers that were waited for to be explained. */
  readonly explained = new Set<string>();
  /** Revision that this run gave to a service's workload, as it was stored: a webhook may make another one of it each time. */
  readonly changed = new Map<string, string>();
  /**
   * Workloads by service as the way that is under way wrote them last, or found them where it has nothing to change: what is
   * in force after that is somebody else's.
   */
  readonly written = new Map<string, KubernetesObject>();
  /** Jobs by service as they were when their work was done, on the way that is under way. */
  readonly ended = new Map<string, ObservedService>();
  /** StatefulSets by service that the way under way has changed, so that a pod that gets stuck holds it up. */
  readonly freed = new Map<string, StuckSince>();
  /** Services whose workload somebody else has changed since the deployment, so that it is not put back. */
  readonly foreign = new Set<string>();
  /** Where the way back that is under way leads to. */
  restoring: Snapshot | undefined;
  readonly #verbs: Readonly<Partial<Record<VerbName, ObjectVerb>>>;
  /** Workloads by service, as plans and snapshots named them. */
  readonly #keys = new Map<string, ObjectKey>();

  constructor(options: KubernetesTargetOptions) {
    this.options = options;
    this.watch = new NamespaceWatch(options.api, options.clock, options.log);
    const apply = options.manifests?.verb;
    this.#verbs = {
      "patch-image": new ImageVerb(options.api, options.scope),
      ...(apply === undefined ? {} : { apply }),
    };
  }

  get api(): KubernetesTargetOptions["api"] {
    return this.options.api;
  }

  /** @throws TypeError for objects of manifests in a target without them. */
  verb(name: VerbName): ObjectVerb {
    const verb = this.#verbs[name];
    if (verb === undefined) throw new TypeError(`this target has no manifests, and its record was made by \`${name}\``);
    return verb;
  }

  /** A way begins: what an earlier one wrote and saw does not count any more. `restoring`: it leads back there. */
  beginWay(restoring?: Snapshot): void {
    this.restoring = restoring;
    this.written.clear();
    this.ended.clear();
    this.freed.clear();
  }

  remember(service: string, key: ObjectKey): void {
    this.#keys.set(service, key);
  }

  /** The workload of a service. @throws BelayError CONFIG_INVALID */
  keyOf(service: string): ObjectKey {
    return (
      this.#keys.get(service) ??
      (service.includes("/") ? parseWorkload(service) : undefined) ??
      workloadKey(service, this.options.services[service])
    );
  }

  kindsFor(services: Iterable<string>): ReadonlySet<string> {
    return neededKinds([...services].map((service) => this.keyOf(service).kind));
  }

  /** Services that have been named so far: those of belay.yaml, and more that the manifests brought. */
  get services(): readonly string[] {
    return [...new Set([...Object.keys(this.options.services), ...this.#keys.keys()])];
  }
}
