import { type Condition, scopeHash, type Wanted } from "@belay/core";
import { type ComposeContainer, isLive } from "./containers/compose-container.ts";
import { ImageCache } from "./containers/image-digests.ts";
import type { WayFacts } from "./containers/others-doing.ts";
import type { ComposeCli } from "./files/compose-cli.ts";
import type { ComposeTargetOptions } from "./files/compose-options.ts";
import { ContainerWatch } from "./observe/container-watch.ts";
import { InstanceMemo } from "./observe/instance-memo.ts";
import { LastWords } from "./observe/last-words.ts";
import type { Snapshot } from "./way-back/snapshot.ts";

/** A reading of the engine's clock: what it showed (milliseconds since 1970), and our clock then. */
export interface EngineTime {
  readonly at: number;
  readonly now: number;
}

/** A stop that is under way. */
export interface Told {
  /** False when it has failed. */
  readonly ended: Promise<boolean>;
  /** Gives up waiting for it. */
  readonly cut: AbortController;
}

/** Everything that the parts of one compose target share. */
export class TargetState {
  readonly options: ComposeTargetOptions;
  readonly cli: ComposeCli;
  readonly images: ImageCache;
  readonly watch: ContainerWatch;
  readonly memo = new InstanceMemo();
  readonly lastWords: LastWords;
  /** Containers that Belay is stopping. */
  readonly stopping = new Set<string>();
  /** Of those, what was told to end ahead of the way back. */
  readonly told = new Map<string, Told>();
  /** Containers that the way back removes: whatever they still do is no news. */
  readonly leaving = new Set<string>();
  /** Containers that Belay stopped and started again, with the engine's time of that start: the end before is no crash. */
  readonly restarted = new Map<string, number>();
  /** Set on the way back: what is to be put right. */
  restoring: Snapshot | undefined;
  /** Containers that were there when the way was planned that is under way; none before the first one. */
  #there: ReadonlySet<string> | undefined;
  /** Of those, what is not judged. */
  #beside: ReadonlySet<string> = new Set();
  /** By service, what of it ran as wanted since that way began: ids with names. */
  readonly #ran = new Map<string, Map<string, string>>();
  /** Number of the deployment that this run carries out itself: then it knows itself which containers it told to end. */
  carriedOut: number | undefined;
  readonly #conditions = new Map<string, readonly Condition[]>();
  readonly #engineTime: EngineTime;
  /** Hash of the scope. */
  readonly #scope: string;

  constructor(options: ComposeTargetOptions, cli: ComposeCli, engineTime: EngineTime) {
    this.options = options;
    this.cli = cli;
    this.images = new ImageCache(options.docker);
    this.#engineTime = engineTime;
    this.#scope = scopeHash(options.scope);
    const { docker, clock, scope } = options;
    const isLeaving = (id: string): boolean => this.stopping.has(id) || this.leaving.has(id);
    this.lastWords = new LastWords(this);
    this.watch = new ContainerWatch({
      ...{ docker, clock, project: scope.project, isLeaving },
      engineNow: () => this.engineNow(),
      onDeath: (id) => this.lastWords.take(id),
    });
  }

  /**
   * A way begins, forward or back. `there`: the containers that its plan or snapshot has. `beside`: those of services that it
   * leaves alone which are of another revision than the one that serves.
   */
  beginWay(there: Iterable<string>, beside: Iterable<string> = []): void {
    this.#there = new Set(there);
    this.#beside = new Set(beside);
    this.#ran.clear();
  }

  /** Whether all that was there when the way under way was planned still serves as it did: none was told to end by Belay. */
  get servesAsBefore(): boolean {
    return this.#there !== undefined && [...this.#there].every((id) => !this.stopping.has(id));
  }

  /** Whether a way leaves it as it was before: nothing of it is held against the revision that serves. */
  isBeside({ id }: Pick<ComposeContainer, "id">): boolean {
    return this.#beside.has(id);
  }

  /** What a look tells of who has made and removed a service's containers; nothing while no way is under way. */
  lookAt({ service, revision }: Wanted, containers: readonly ComposeContainer[]): WayFacts | undefined {
    const there = this.#there;
    if (there === undefined) return undefined;
    this.noteRunning(
      service,
      containers.filter((one) => one.revision === revision && isLive(one)),
    );
    const ran = this.#ran.get(service) ?? new Map();
    return { there, ran, scope: this.#scope, isLeaving: (id) => this.stopping.has(id) || this.leaving.has(id) };
  }

  /** Containers of the service run as wanted: one of them that is gone later was removed. */
  noteRunning(service: string, containers: readonly Pick<ComposeContainer, "id" | "name">[]): void {
    const ran = this.#ran.get(service) ?? new Map<string, string>();
    for (const { id, name } of containers) ran.set(id, name);
    this.#ran.set(service, ran);
  }

  get docker(): ComposeTargetOptions["docker"] {
    return this.options.docker;
  }

  /** Engine's time: its clock as it was asked once, and monotonic time since. */
  engineNow(): number {
    return Math.round(this.#engineTime.at + this.options.clock.now() - this.#engineTime.now);
  }

  get conditions(): ReadonlyMap<string, readonly Condition[]> {
    return this.#conditions;
  }

  /** A failed step that left nothing on the engine to be seen (an image that can't be pulled) is told to the judge so. */
  setCondition(service: string, condition: Condition): void {
    this.#conditions.set(service, [...(this.#conditions.get(service) ?? []), condition]);
  }

  clearConditions(): void {
    this.#conditions.clear();
  }
}
