import type { CauseDetail, Digest, Finding, Outcome, RolloutPolicy, RunningService, Source } from "@belay/core";

/** Who holds a deployment. For people and for finding out whether that run is over; never for deciding who is first. */
export interface Holder {
  /** Run id of the CI, or any name that is unique to the run. */
  readonly run: string;
  readonly attempt: number;
  readonly host: string;
}

/** A release as the ledger names it. */
export interface ReleaseFacts {
  readonly digest: Digest;
  readonly source: Source;
  /** `repository@sha256:…` per service. */
  readonly images: Readonly<Record<string, string>>;
}

/** What runs once a deployment has ended, as far as it is known. */
export interface RunsFacts {
  /** Deployment that brought it; none when it is older than the ledger. */
  readonly deployment?: number;
  readonly release?: ReleaseFacts;
  /** The judge converged on it after the last change. */
  readonly proven: boolean;
}

/** A rollback that somebody asked for. */
export interface RollbackFacts {
  /** The deployment gone back to. */
  readonly to: number;
  /** In the words of whoever asked for it. Outside text. */
  readonly reason?: string;
  /** Who asked: the login on GitHub, or the user of the machine. Outside text. */
  readonly by?: string;
}

/** `NNNN.begin`: written before the first change. */
export interface BeginRecord {
  readonly schema: "belay.ledger/v1";
  readonly deployment: number;
  /** Makes the bytes of two claims differ, so that a lost answer can be told from a lost race. */
  readonly nonce: string;
  readonly holder: Holder;
  readonly intent: "deploy" | "rollback" | "recover";
  /** What a rollback by hand goes back to. */
  readonly rollback?: RollbackFacts;
  /** The dead deployment that this one takes over. */
  readonly recovers?: number;
  readonly release?: ReleaseFacts;
  readonly policy?: RolloutPolicy;
  /** Hashes of the snapshot's chunks in order (`NNNN.snap.<hash>`); none for a recovery. */
  readonly snapshot?: readonly string[];
  /** What ran when this began. */
  readonly before?: RunsFacts;
  /** Services of which nothing was right then, where no release had ever been proven: no way back can be held to them. */
  readonly ill?: readonly string[];
  /** Services of the release that run once to their end: no instance of one is missed afterwards. */
  readonly once?: readonly string[];
  /** ISO 8601, the runner's wall clock: for people only. */
  readonly beganAt: string;
}

/** `NNNN.stop`: a newer run asks the holder of the deployment to stop. Written once, by whoever asks first. */
export interface StopRecord {
  readonly schema: "belay.ledger/v1";
  readonly deployment: number;
  /** Nonce of the begin that is meant: a number may come again after the ledger was lost. */
  readonly begin: string;
  readonly nonce: string;
  /** Who asks, for what: nobody else may be the next, but somebody was. */
  readonly by: Holder;
  readonly intent: "deploy" | "rollback";
  readonly release: ReleaseFacts;
  readonly rollback?: RollbackFacts;
  /** ISO 8601, the runner's wall clock: for people only. */
  readonly askedAt: string;
}

/** `NNNN.end`: written once, by the holder or by whoever recovered it. */
export interface EndRecord {
  readonly schema: "belay.ledger/v1";
  readonly deployment: number;
  readonly nonce: string;
  /** `withdrawn`: the claim came to nothing and touched nothing. */
  readonly outcome: Outcome | "withdrawn";
  readonly cause?: CauseDetail;
  readonly recoveredBy?: number;
  readonly runs?: RunsFacts;
  /** Warnings that belong to the outcome. */
  readonly findings?: readonly Finding[];
  /** Read back from the target after the last change. */
  readonly running?: readonly RunningService[];
  /** ISO 8601, the runner's wall clock: for people only. */
  readonly endedAt: string;
}
