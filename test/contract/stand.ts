import type { ImageIdentity, Release, Scope, TargetKind } from "@belay/core";
import type { Attempt } from "./attempt.ts";
import type { CaseName } from "./cases.ts";
import type { ObserverProgram } from "./observer.ts";
import type { TargetOpener } from "./target-opener.ts";
import type { VariantName } from "./variants.ts";

/**
 * One real engine that the contract suite runs on. A new engine is proven by implementing this and
 * {@link ApplicationStand}, and by a test file that calls `contractSuite(open)` and `killSuite(open)`.
 */
export interface EngineStand {
  readonly kind: TargetKind;
  /** How the table of results calls it: `Compose`, `Swarm, whole stack`. */
  readonly title: string;
  /**
   * What can't happen or can't be done on this engine, each with its reason, which the table prints. Everything else must
   * pass: nothing is left out silently.
   */
  readonly impossible: Readonly<Partial<Record<CaseName, string>>>;
  /** An application in a namespace, project or stack of its own, with nothing in it. `name`: letters, digits and `-`. */
  application(name: string): Promise<ApplicationStand>;
  /** Removes what is left of the applications, and ends what this stand started. */
  stop(): Promise<void>;
}

/** What one service should be, in words that every engine has. */
export interface ServiceDefinition {
  /** Left out: the files say nothing, so that the engine's own default (1) or a number set by hand holds. */
  readonly replicas?: number;
  /** Environment of its containers. The observer shows `NOTE`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Memory limit in bytes, for the variant that uses more. */
  readonly memory?: number;
  /** `complete`: a one-shot service, which runs to its end before what depends on it starts. Default `run`. */
  readonly goal?: "run" | "complete";
  /** Services that must be right before this one. */
  readonly dependsOn?: readonly string[];
  /** It reads a config (a file, a ConfigMap), which `hand.loseConfig` takes away. */
  readonly config?: boolean;
  /** It asks for a node that there is none of. */
  readonly nowhere?: boolean;
  /** Old instances end before new ones start, and have so many seconds for it. Where the engine has that choice (Swarm). */
  readonly stopFirst?: { readonly graceS: number };
  /** It can't run twice: its name, or this port of the machine, can be had only once. Where the files say so (Compose). */
  readonly alone?: "name" | { readonly port: number };
  /** How long an instance may take for its end, in seconds; default 1. Where the workload says so (Kubernetes). */
  readonly graceS?: number;
}

export type Definitions = Readonly<Record<string, ServiceDefinition>>;
export type Variants = Readonly<Record<string, VariantName>>;

/** One application on the engine, seen with the eyes of its users. Names of services are those of the definition. */
export interface ApplicationStand {
  readonly scope: Scope;
  /** A release brings nothing that is not there already: it is brought up by hand. Default false. */
  readonly onlyExisting?: boolean;
  /** Writes what the user's files say (compose file, stack file, manifests, `services` of belay.yaml). Touches no engine. */
  define(services: Definitions): Promise<void>;
  /**
   * A release of these variants, its images pushed, and the user's files as they belong to it: where health is a matter of
   * the workload and not of the image (probes), the files change with the variant. Services that are left out are no
   * longer part of the application. `revision`: its commit; default: one of its own per call.
   */
  release(variants: Variants, revision?: string): Promise<Release>;
  /** How a process opens the target for what is defined now. */
  opener(): TargetOpener;
  /** What a user does without Belay, by the engine's own command line. */
  readonly hand: Hand;
  readonly observer: ObserverProgram;
  /** Every digest by which an engine may show this variant. */
  identity(variant: VariantName): Promise<ImageIdentity>;
  /** Where a service answers with the name of its variant, if this machine can reach it. */
  url?(service: string): Promise<string>;
  /** Removes it from the engine, with its ledger. */
  remove(): Promise<void>;
}

/** The engine's own command line, as its users type it. Each waits until the engine has done it. */
export interface Hand {
  /** Brings the application up as it is defined, healthy. */
  up(variants: Variants): Promise<void>;
  scale(service: string, replicas: number): Promise<void>;
  /** Deletes a service with all that runs of it. */
  delete(service: string): Promise<void>;
  /** Changes the environment variable `NOTE` of a service that runs. */
  note(service: string, value: string): Promise<void>;
  /** The engine's plain update to a variant (`docker compose up`, `docker service update`, `kubectl set image`). */
  update(service: string, variant: VariantName): Promise<void>;
  /** The same with the tool's own way of waiting and of going back, as its manual shows it; the benchmark's comparison. */
  attempt(service: string, variant: VariantName, patienceMs: number): Promise<Attempt>;
  /** Takes the config of a service away, so that no further instance can be made. Those that run go on. */
  loseConfig(service: string): Promise<void>;
  /** Removes the instances that run (`docker rm --force`, `kubectl delete pod`); the service itself stays. */
  kill(service: string): Promise<void>;
  /** Removes `/www/healthz` in the instances that run, so that their health checks fail from then on. */
  sicken(service: string): Promise<void>;
  /**
   * The registry loses the image of the variant that runs, and so does a single engine that would do instead of it. The
   * instances go on, or again.
   */
  loseImage(service: string, variant: VariantName): Promise<void>;
  /** Sets a quota that allows what runs and so many instances more; default 0. */
  allowNoMore(spare?: number): Promise<void>;
}

/** For a stand whose engine can't do something that {@link EngineStand.impossible} names. */
export function cannot(what: string): never {
  throw new Error(`${what} is not possible on this engine: the case must be named in \`impossible\``);
}

/** How programs end that are run in a container which is just going away. */
export const ALSO_GONE = { allowedExitCodes: [0, 1, 126, 137] } as const;

/** One of these must have gone well; others may have come too late, to what was on its way out. */
export async function oneOf(what: string, attempts: readonly Promise<{ readonly exitCode: number }>[]): Promise<void> {
  const ends = await Promise.all(attempts);
  if (!ends.some(({ exitCode }) => exitCode === 0)) throw new Error(`${what} was tried ${ends.length} times in vain`);
}
