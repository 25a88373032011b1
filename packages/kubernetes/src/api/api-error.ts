import { BelayError, type ErrorCode, type ErrorParts, truncate } from "@belay/core";

export interface StatusDetails {
  readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
  readonly retryAfterSeconds?: number;
}

/** An answer of the API server that was not a success. Its `reason` and `details` are those of the `Status` object. */
export class ApiError extends BelayError {
  /** HTTP status; 0 for an error inside a watch stream without one. */
  readonly status: number;
  /** `NotFound`, `AlreadyExists`, `Conflict`, `Invalid`, `Forbidden`, `Expired`, … */
  readonly reasonCode: string;
  readonly apiMessage: string;
  readonly details: StatusDetails;

  constructor(code: ErrorCode, status: ApiStatus, parts: ErrorParts) {
    super(code, parts);
    this.name = "ApiError";
    this.status = status.code;
    this.reasonCode = status.reason;
    this.apiMessage = status.message;
    this.details = status.details;
  }
}

export interface ApiStatus {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details: StatusDetails;
}

/** Reads the `Status` object of an answer (API conventions, "Response Status Kind"), or makes one of plain text. */
export function statusOf(code: number, body: string): ApiStatus {
  try {
    const parsed = JSON.parse(body) as Partial<ApiStatus> | null;
    if (parsed !== null && typeof parsed === "object" && typeof parsed.message === "string") {
      const { reason = "", message, details } = parsed;
      return { code: parsed.code ?? code, reason, message, details: details ?? {} };
    }
  } catch (error) {
    // A proxy in between, or a webhook, answers in plain text: that text is the message.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return {
    code,
    reason: "",
    message: truncate(body.trim(), 1_000) || `HTTP status ${code} without a message`,
    details: {},
  };
}

/** Makes the error for an answer. What may heal by itself (an API server that starts, throttling) is `ENGINE_UNREACHABLE`. */
export function apiErrorOf(doing: string, status: ApiStatus): ApiError {
  const { code, message } = status;
  if (code === 401) {
    const next = "Check the user of the kubeconfig: a token may have expired.";
    return new ApiError("ENGINE_FORBIDDEN", status, {
      doing,
      got: `the API server knows no such user: ${message}`,
      next,
    });
  }
  if (code === 403 && !isAdmission(message)) {
    const next = "Give the user of the kubeconfig the Role that docs/kubernetes.md shows.";
    return new ApiError("ENGINE_FORBIDDEN", status, { doing, got: `the API server forbids it: ${message}`, next });
  }
  const code_ = code === 429 || code >= 500 ? "ENGINE_UNREACHABLE" : "ENGINE_ERROR";
  const next = afterWebhook(message);
  return new ApiError(code_, status, {
    ...{ doing, got: `the API server answered ${code}: ${message}` },
    ...(next === undefined ? {} : { next }),
  });
}

/** A webhook of the cluster's owner that could not be called (`apiserver/pkg/admission/plugin/webhook/errors`). */
function afterWebhook(message: string): string | undefined {
  const name = /failed calling webhook "([^"]+)"/.exec(message)?.[1];
  if (name === undefined) return undefined;
  const look = "kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations --output yaml";
  return `The cluster asks its webhook ${name} about each change: what answers for it must run (\`${look}\` shows its address). Then run again.`;
}

/** 403 is also what admission (a quota, pod security) answers: that is no matter of permissions. */
function isAdmission(message: string): boolean {
  return /exceeded quota|violates PodSecurity|failed quota|minimum|maximum .* usage|admission webhook/.test(message);
}

export function isStatus(error: unknown, ...codes: number[]): error is ApiError {
  return error instanceof ApiError && codes.includes(error.status);
}

/** The object does not exist. */
export function isMissing(error: unknown): error is ApiError {
  return isStatus(error, 404);
}

/** Somebody else changed or made it meanwhile. */
export function isTaken(error: unknown): error is ApiError {
  return isStatus(error, 409);
}
