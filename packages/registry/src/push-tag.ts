import {
  BelayError,
  type Clock,
  isBelayError,
  type Log,
  messageOf,
  oneLine,
  parseReference,
  type RetryPolicy,
  retry,
} from "@belay/core";
import { EngineError } from "@belay/docker";
import type { Authenticator } from "./authenticator.ts";
import { type EngineWords, engineWords } from "./engine-words.ts";
import type { PushEngine } from "./push-release.ts";
import { nextAfter } from "./registry-answer.ts";
import { RegistryError } from "./registry-error.ts";

export interface PushTagOptions {
  readonly docker: PushEngine;
  readonly auth: Authenticator;
  readonly log: Log;
  readonly clock: Clock;
  readonly reference: string;
  readonly service: string;
  readonly signal: AbortSignal;
  /**
   * Names the image and asks whether the tag is free: before each try, as somebody may have taken it during the last one.
   * Where the registry limits this question too, it tells how long it wants to be left alone, which is waited for: an
   * engine does not hand `Retry-After` over.
   */
  readonly prepare: () => Promise<void>;
  readonly random?: () => number;
}

/** The engine itself tries each layer five times; these are for the push as a whole. */
const ATTEMPTS = 4;
/** Limits are counted by the minute, mostly, and engines don't wait for them: pauses of 5 s to 160 s, five minutes in all. */
const LIMITED_ATTEMPTS = 7;
const LIMITED_DELAY_MS = 5_000;
/** A registry that wants to be left alone for longer ends the push. */
const LONGEST_PAUSE_MS = 10 * 60_000;

/**
 * Pushes `repository:tag` through the engine, with the progress in the log.
 * @throws BelayError REGISTRY_UNAUTHORISED; PUSH_FAILED once the tries are used up or when it can't heal; what `prepare` throws.
 */
export async function pushTag(options: PushTagOptions): Promise<void> {
  const { auth, log, clock, reference, service, prepare } = options;
  const registry = parseReference(reference)?.registry ?? "";
  const credentials = await auth.engineAuth(registry);
  log.info(`${service}: pushing ${reference}`);
  const shown = new Set<string>();
  const push = (): Promise<unknown> =>
    options.docker.images.push(reference, {
      signal: options.signal,
      ...(credentials === undefined ? {} : { auth: credentials }),
      onProgress: ({ id, status }) => {
        // Layers report their bytes many times a second: each state of each layer is told once.
        const line = `${id === undefined ? "" : `${id}: `}${status ?? ""}`;
        if (status === undefined || shown.has(line)) return;
        shown.add(line);
        const done = /^(?:Pushed|Mounted|Layer already exists)|digest: sha256/.test(status);
        log[done ? "info" : "debug"](`${service}: ${line}`);
      },
    });
  try {
    await retry(whenLimited(options), () =>
      retry(whenPassing(options), async () => {
        await prepare();
        await push();
      }),
    );
  } catch (error) {
    throw pushError(error, `pushing ${reference}`, registry, credentials !== undefined, clock);
  }
}

function whenPassing(options: PushTagOptions): RetryPolicy {
  // What `prepare` says is not the engine's: the registry's client has tried often enough, and a tag that is taken stays so.
  const retryable = (error: unknown): boolean =>
    isBelayError(error, "ENGINE_ERROR", "ENGINE_UNREACHABLE", "TIMED_OUT") &&
    wordsOf(error, options.clock).kind === "passing";
  return { ...commonPolicy(options, ATTEMPTS), delayMs: 1_000, retryable };
}

function whenLimited(options: PushTagOptions): RetryPolicy {
  const { clock, random = Math.random } = options;
  return {
    ...commonPolicy(options, LIMITED_ATTEMPTS),
    delayMs: LIMITED_DELAY_MS,
    maxDelayMs: LONGEST_PAUSE_MS,
    retryable: (error) => {
      // Where the registry asks for long pauses, its client has waited for them already, several times.
      if (error instanceof RegistryError) return error.status === 429 && (error.retryAfterMs ?? 0) < LIMITED_DELAY_MS;
      const { kind, retryAfterMs = 0 } = wordsOf(error, clock);
      return kind === "limited" && retryAfterMs <= LONGEST_PAUSE_MS;
    },
    retryAfterMs: (error) => {
      const { retryAfterMs = 0 } = wordsOf(error, clock);
      // GHCR asks for microseconds, again and again. Images side by side would come back at the same moment, for ever.
      return retryAfterMs < LIMITED_DELAY_MS ? undefined : retryAfterMs * (1 + random());
    },
  };
}

function commonPolicy(options: PushTagOptions, attempts: number): Omit<RetryPolicy, "delayMs" | "retryable"> {
  const { log, service, signal, clock, random } = options;
  const onRetry = (error: unknown, attempt: number, pauseMs: number): void =>
    log.info(
      `${service}: ${oneLine(saidBy(error))} (try ${attempt} of ${attempts}, again in ${Math.round(pauseMs)} ms)`,
    );
  return { attempts, onRetry, signal, clock, ...(random === undefined ? {} : { random }) };
}

function pushError(error: unknown, doing: string, registry: string, loggedIn: boolean, clock: Clock): unknown {
  if (!(error instanceof EngineError)) return error;
  const got = `the registry ${registry} said through the engine: ${oneLine(error.engineMessage, 400)}`;
  const { kind, status, retryAfterMs } = wordsOf(error, clock);
  if (kind === "refused") {
    const next = loggedIn
      ? "Give this user the permission to push."
      : `Log in first: \`docker login ${registry}\`, or docker/login-action in a step before.`;
    return new BelayError("REGISTRY_UNAUTHORISED", { doing, got, next, cause: error });
  }
  const next =
    (status === undefined ? undefined : nextAfter(status, retryAfterMs)) ??
    "Check that the engine can reach the registry; an engine on another machine has its own network.";
  return new BelayError("PUSH_FAILED", { doing, got, next, cause: error });
}

function wordsOf(error: unknown, clock: Clock): EngineWords {
  return engineWords(saidBy(error), clock.date());
}

function saidBy(error: unknown): string {
  return error instanceof EngineError ? error.engineMessage : messageOf(error);
}
