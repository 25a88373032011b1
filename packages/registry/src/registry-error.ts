import { BelayError, type ErrorCode, type ErrorParts } from "@belay/core";

/** What went wrong between us and a registry. */
export class RegistryError extends BelayError {
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** Pause that the registry asked for. */
  readonly retryAfterMs: number | undefined;
  /** Whether the same request may succeed later: 429, 5xx, a cut or refused connection. */
  readonly transient: boolean;

  constructor(
    code: ErrorCode,
    parts: ErrorParts,
    facts: { status?: number; retryAfterMs?: number | undefined; transient?: boolean } = {},
  ) {
    super(code, parts);
    this.name = "RegistryError";
    this.status = facts.status;
    this.retryAfterMs = facts.retryAfterMs;
    this.transient = facts.transient ?? false;
  }
}

export function isTransient(error: unknown): boolean {
  return error instanceof RegistryError && error.transient;
}
