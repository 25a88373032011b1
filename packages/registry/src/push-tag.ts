import { BelayError, type Clock, type Log, messageOf, oneLine, parseReference, retry } from "@belay/core";
import { EngineError } from "@belay/docker";
import type { Authenticator } from "./authenticator.ts";
import { engineWords } from "./engine-words.ts";
import type { PushEngine } from "./push-release.ts";

export interface PushTagOptions {
  readonly docker: PushEngine;
  readonly auth: Authenticator;
  readonly log: Log;
  readonly clock: Clock;
  readonly reference: string;
  readonly service: string;
  readonly signal: AbortSignal;
  readonly random?: () => number;
}

/** The engine itself tries each layer five times; these are for the push as a whole. */
const ATTEMPTS = 4;

/**
 * Pushes `repository:tag` through the engine, with the progress in the log.
 * @throws BelayError REGISTRY_UNAUTHORISED; PUSH_FAILED once the tries are used up or when it can't heal.
 */
export async function pushTag(options: PushTagOptions): Promise<void> {
  const { docker, auth, log, clock, reference, service, signal, random } = options;
  const registry = parseReference(reference)?.registry ?? "";
  const credentials = await auth.engineAuth(registry);
  const doing = `pushing ${reference}`;
  log.info(`${service}: pushing ${reference}`);
  const shown = new Set<string>();
  try {
    await retry(
      {
        attempts: ATTEMPTS,
        delayMs: 1_000,
        retryable: (error) => ["passing", "limited"].includes(engineWords(saidBy(error), clock.date()).kind),
        onRetry: (error, attempt, pauseMs) =>
          log.info(
            `${service}: ${oneLine(saidBy(error))} (try ${attempt} of ${ATTEMPTS}, again in ${Math.round(pauseMs)} ms)`,
          ),
        signal,
        clock,
        ...(random === undefined ? {} : { random }),
      },
      () =>
        docker.images.push(reference, {
          signal,
          ...(credentials === undefined ? {} : { auth: credentials }),
          onProgress: ({ id, status }) => {
            // Layers report their bytes many times a second: each state of each layer is told once.
            const line = `${id === undefined ? "" : `${id}: `}${status ?? ""}`;
            if (status === undefined || shown.has(line)) return;
            shown.add(line);
            const done = /^(?:Pushed|Mounted|Layer already exists)|digest: sha256/.test(status);
            log[done ? "info" : "debug"](`${service}: ${line}`);
          },
        }),
    );
  } catch (error) {
    throw pushError(error, doing, registry, credentials !== undefined, clock);
  }
}

function pushError(error: unknown, doing: string, registry: string, loggedIn: boolean, clock: Clock): unknown {
  if (!(error instanceof EngineError)) return error;
  const got = `the registry ${registry} said through the engine: ${oneLine(error.engineMessage, 400)}`;
  if (engineWords(error.engineMessage, clock.date()).kind === "refused") {
    const next = loggedIn
      ? "Give this user the permission to push."
      : `Log in first: \`docker login ${registry}\`, or docker/login-action in a step before.`;
    return new BelayError("REGISTRY_UNAUTHORISED", { doing, got, next, cause: error });
  }
  const next = "Check that the engine can reach the registry; an engine on another machine has its own network.";
  return new BelayError("PUSH_FAILED", { doing, got, next, cause: error });
}

function saidBy(error: unknown): string {
  return error instanceof EngineError ? error.engineMessage : messageOf(error);
}
