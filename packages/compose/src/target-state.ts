import type { Condition } from "@belay/core";
import type { ComposeCli } from "./compose-cli.ts";
import type { ComposeTargetOptions } from "./compose-options.ts";
import { ContainerWatch } from "./container-watch.ts";
import { ImageCache } from "./image-digests.ts";
import type { Snapshot } from "./snapshot.ts";

/** Everything that the parts of one compose target share. */
export class TargetState {
  readonly options: ComposeTargetOptions;
  readonly cli: ComposeCli;
  readonly images: ImageCache;
  readonly watch: ContainerWatch;
  /** Containers that Belay is stopping. */
  readonly stopping = new Set<string>();
  /** Containers that Belay stopped and started again, with the engine's time of that start: the end before is no crash. */
  readonly restarted = new Map<string, number>();
  /** Set on the way back: what is to be put right. */
  restoring: Snapshot | undefined;
  /** Number of the deployment that this run carries out itself: then it knows itself which containers it told to end. */
  carriedOut: number | undefined;
  readonly #conditions = new Map<string, readonly Condition[]>();
  readonly #engineTime: { readonly at: number; readonly now: number };

  /** `engineTime`: the engine's clock just now, milliseconds since 1970. */
  constructor(options: ComposeTargetOptions, cli: ComposeCli, engineTime: number) {
    this.options = options;
    this.cli = cli;
    this.images = new ImageCache(options.docker);
    this.watch = new ContainerWatch(options.docker, options.scope.project, options.clock);
    this.#engineTime = { at: engineTime, now: options.clock.now() };
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
