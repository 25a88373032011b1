import { EXIT_CODES, type ExitReason } from "./outcome.ts";

/**
 * Machine-readable names of what can go wrong, with the reason that decides the exit code.
 * A code is stable: scripts may compare it.
 */
export const ERROR_CODES = {
  INVALID_INPUT: "invalid_input",
  CONFIG_NOT_FOUND: "invalid_input",
  CONFIG_INVALID: "invalid_input",
  RELEASE_INVALID: "invalid_input",
  SOURCE_UNKNOWN: "invalid_input",
  DIRTY_TREE: "invalid_input",
  TOOL_MISSING: "invalid_input",
  TOOL_TOO_OLD: "invalid_input",
  ENGINE_UNREACHABLE: "internal_error",
  ENGINE_FORBIDDEN: "internal_error",
  ENGINE_TLS: "internal_error",
  ENGINE_HOST_KEY: "internal_error",
  ENGINE_TOO_OLD: "invalid_input",
  ENGINE_ERROR: "internal_error",
  PROCESS_FAILED: "internal_error",
  TIMED_OUT: "internal_error",
  CANCELLED: "internal_error",
  BUILD_FAILED: "build_failed",
  TESTS_FAILED: "tests_failed",
  SCAN_FAILED: "scan_could_not_run",
  VULNERABLE: "vulnerabilities_found",
  NOT_SCANNED: "push_failed",
  PUSH_FAILED: "push_failed",
  TAG_TAKEN: "push_failed",
  IDENTITY_MISMATCH: "push_failed",
  REGISTRY_UNREACHABLE: "push_failed",
  REGISTRY_UNAUTHORISED: "push_failed",
  REGISTRY_ERROR: "push_failed",
  GITHUB_ERROR: "internal_error",
  LEDGER_ERROR: "internal_error",
  FENCED: "internal_error",
  INTERNAL: "internal_error",
} as const satisfies Record<string, ExitReason>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorParts {
  /** What was being done: "reading belay.yaml". */
  readonly doing: string;
  /** What came back: "line 3, column 5: unknown key `servces`". */
  readonly got: string;
  /** What to do next: "did you mean `services`?" */
  readonly next?: string;
  readonly cause?: unknown;
}

/**
 * The only error that Belay throws on purpose. Its message has three parts: what was being done, what came back,
 * what to do next. Anything else that is thrown is a defect and becomes `INTERNAL`.
 */
export class BelayError extends Error {
  readonly code: ErrorCode;
  readonly doing: string;
  readonly got: string;
  readonly next: string | undefined;
  /** The service (its name in `belay.yaml`) at which this came up, where it was one: {@link inService}. */
  service: string | undefined;

  constructor(code: ErrorCode, parts: ErrorParts) {
    const next = parts.next === undefined ? "" : ` ${parts.next}`;
    super(`${parts.doing}: ${parts.got}${/[.!?:]$/.test(parts.got) ? "" : "."}${next}`, { cause: parts.cause });
    this.name = "BelayError";
    this.code = code;
    this.doing = parts.doing;
    this.got = parts.got;
    this.next = parts.next;
  }

  /** Why the run ends, as in the table of exit codes. */
  get reason(): ExitReason {
    return ERROR_CODES[this.code];
  }

  get exitCode(): number {
    return EXIT_CODES[this.reason];
  }
}

/** True for a {@link BelayError} with one of `codes` (any code when none is given). */
export function isBelayError(error: unknown, ...codes: ErrorCode[]): error is BelayError {
  return error instanceof BelayError && (codes.length === 0 || codes.includes(error.code));
}

/** Message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Turns anything thrown into a {@link BelayError}; an unexpected error keeps its stack as the cause. */
export function toBelayError(error: unknown, doing: string): BelayError {
  if (error instanceof BelayError) return error;
  return new BelayError("INTERNAL", {
    doing,
    got: messageOf(error),
    next: "This is a defect in Belay: please report it with the log.",
    cause: error,
  });
}
