import type { Docker, Service, Task, TaskSpec } from "@belay/docker";
import { ConfigRecordStore } from "./config-record-store.ts";
import type { Attempts } from "./observe/run-again.ts";
import { TaskMemo } from "./observe/task-memo.ts";
import { taskRevision } from "./observe/task-revision.ts";
import { TaskWatch } from "./observe/task-watch.ts";
import type { Snapshot } from "./spec/snapshot.ts";
import { SwarmDirectory } from "./spec/swarm-directory.ts";
import type { SwarmOptions } from "./swarm-options.ts";

/** Everything that the parts of one swarm target share. */
export class TargetState {
  readonly options: SwarmOptions;
  readonly directory: SwarmDirectory;
  readonly watch: TaskWatch;
  readonly store: ConfigRecordStore;
  /** The node that is talked to: only of its containers more is known than the manager tells. */
  readonly node: string;
  /** Full name → revision that this run wrote last, or found when it began to restore: another one is somebody else's. */
  readonly written = new Map<string, string>();
  /** Full name → revision of what the way forward has nothing to change of. */
  readonly standing = new Map<string, string>();
  /** Revision as the engine shows it → the one that was wanted, where the engine added something of its own. */
  readonly aliases = new Map<string, string>();
  /** Full names of services as they are called in the plan or snapshot that is being carried out: by `belay.yaml` name. */
  readonly names = new Map<string, string>();
  /** Tasks that were seen on their way out, or ended with their engine or by its mistake: how they end is no crash. */
  readonly leaving = new Set<string>();
  /** Tasks from before a change that their specs don't show: of the old revision, whatever these say. */
  readonly stale = new Set<string>();
  /** Tasks too many for whose sake the engine was told to look again. */
  readonly tidied = new Set<string>();
  /** Tasks of what runs once whose service was told to run again, with the `ForceUpdate` that says so. */
  readonly again = new Map<string, number>();
  /** Service id → how often that was done on this way. */
  readonly attempts = new Map<string, Attempts>();
  /** Slot and reason → when the first task was made, in the manager's time, that was refused since one had a container there. */
  readonly refusedSince = new Map<string, number>();
  /** Ids of services, by their full names, as they were at the last look. */
  readonly ids = new Map<string, string>();
  /** Ids of the tasks that were there at the first look of this way: others are of this deployment. */
  earlier: ReadonlySet<string> | undefined;
  /** Task → whether its container ended for lack of memory, where that was asked. */
  readonly outOfMemory = new Map<string, boolean>();
  /** Set on the way back: what is to be put right. */
  restoring: Snapshot | undefined;
  /** Number of the deployment that this run carries out itself: then nobody else's request can be on its way. */
  carriedOut: number | undefined;
  readonly memo = new TaskMemo();
  /** Revisions of services' templates by service, with the version that had it. */
  readonly #inForce = new Map<
    string,
    { readonly version: number; readonly networks: object; readonly shown: string }
  >();
  readonly #engineTime: { readonly at: number; readonly now: number };

  /** `engineTime`: the engine's clock just now, milliseconds since 1970. */
  constructor(options: SwarmOptions, node: string, engineTime: number) {
    this.options = options;
    this.node = node;
    this.directory = new SwarmDirectory(options.docker);
    this.store = new ConfigRecordStore(options.docker, options.scope);
    this.watch = new TaskWatch(options.docker, options.clock);
    this.#engineTime = { at: engineTime, now: options.clock.now() };
  }

  /** A new way begins, forward: its names count, and what earlier ways wrote does not. */
  beginWay(services: readonly { readonly service: string; readonly name: string }[], deployment: number): void {
    this.restoring = undefined;
    this.earlier = undefined;
    this.carriedOut = deployment;
    this.#learn(services);
  }

  /** The way back begins. */
  beginRestoring(snapshot: Snapshot): void {
    this.restoring = snapshot;
    this.#learn(snapshot.services);
  }

  #learn(services: readonly { readonly service: string; readonly name: string }[]): void {
    this.written.clear();
    this.standing.clear();
    this.attempts.clear();
    this.refusedSince.clear();
    this.watch.beginWay();
    for (const { service, name } of services) this.names.set(service, name);
  }

  get docker(): Docker {
    return this.options.docker;
  }

  /** Engine's time: its clock as it was asked once, and monotonic time since. */
  engineNow(): number {
    return Math.round(this.#engineTime.at + this.options.clock.now() - this.#engineTime.now);
  }

  /** Revision of a task, or of a service's template. */
  revisionOf(spec: TaskSpec): string {
    return this.#wantedAs(taskRevision(spec, this.directory.networks));
  }

  #wantedAs(shown: string): string {
    return this.aliases.get(shown) ?? shown;
  }

  revisionOfTask(task: Task): string {
    const revision = this.#wantedAs(this.memo.revisionOf(task, this.directory.networks));
    return this.stale.has(task.ID) ? `${revision} before` : revision;
  }

  /** The one in force. */
  revisionInForce({ ID, Version, Spec }: Service): string {
    const { networks } = this.directory;
    const known = this.#inForce.get(ID);
    if (known?.version === Version.Index && known.networks === networks) return this.#wantedAs(known.shown);
    const shown = taskRevision(Spec.TaskTemplate, networks);
    this.#inForce.set(ID, { version: Version.Index, networks, shown });
    return this.#wantedAs(shown);
  }

  /** Full name of a service: as the present plan calls it, as belay.yaml says, or within the stack. */
  nameOf(service: string): string {
    return (
      this.names.get(service) ?? this.options.services[service]?.name ?? `${this.options.scope.project}_${service}`
    );
  }
}
