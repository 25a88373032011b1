import { BelayError, type ErrorCode, type ErrorParts, truncate } from "@belay/core";

/** An answer of the engine that is an error: its HTTP status and its own words. */
export class EngineError extends BelayError {
  /** HTTP status. For an error inside a progress stream: the code given there, or 0. */
  readonly status: number;
  /** What the engine said, redacted. */
  readonly engineMessage: string;

  constructor(code: ErrorCode, status: number, engineMessage: string, parts: ErrorParts) {
    super(code, parts);
    this.name = "EngineError";
    this.status = status;
    this.engineMessage = engineMessage;
  }
}

/** The container, image, network or volume does not exist (404). */
export function isNotFound(error: unknown): error is EngineError {
  return error instanceof EngineError && error.status === 404;
}

/** A name is taken, a container is in the way, or the state does not allow it (409). */
export function isConflict(error: unknown): error is EngineError {
  return error instanceof EngineError && error.status === 409;
}

/**
 * An object of a swarm has moved on since the version that the update names. Engines answer 500 with swarmkit's words
 * (`manager/state/store`, ErrSequenceConflict).
 */
export function isOutOfSequence(error: unknown): error is EngineError {
  return error instanceof EngineError && error.engineMessage.includes("update out of sequence");
}

const HTTPS_ONLY = /HTTP request to an HTTPS server/i;
const CLIENT_TOO_OLD = /client version .* is too old/i;
/**
 * A swarm whose managers can't act at this moment: one that starts or ends (moby, `daemon/cluster`, errNoManager), has no
 * leader (swarmkit, `manager/state/raft`, lostQuorumMessage), or did not come to an agreement in the engine's own time.
 */
const SWARM_AWAY =
  /not a swarm manager|swarm does not have a leader|code = (Unavailable|DeadlineExceeded)|^context deadline exceeded/i;

/** An engine that ends has closed its own store before it stops to answer (bbolt, `ErrDatabaseNotOpen`; seen on 20.10). */
const ENDING = /\bdatabase not open\b/i;

/** Makes the error for a status of 400 and above. What may heal by itself is `ENGINE_UNREACHABLE`. `body` is what came with it: JSON with `message`, or plain text. */
export function engineErrorOf(doing: string, status: number, body: string): EngineError {
  const message = messageIn(body) ?? `HTTP status ${status} without a message`;
  if (HTTPS_ONLY.test(message)) {
    return new EngineError("ENGINE_TLS", status, message, {
      doing,
      got: "the engine wants TLS, and the connection has none",
      next: "Use a Docker context with certificates, or set DOCKER_TLS_VERIFY and DOCKER_CERT_PATH.",
    });
  }
  if (CLIENT_TOO_OLD.test(message)) {
    return new EngineError("ENGINE_ERROR", status, message, {
      doing,
      got: `the engine no longer speaks this API version: ${message}`,
      next: "Use a newer version of Belay.",
    });
  }
  if (status >= 500 && SWARM_AWAY.test(message)) {
    return new EngineError("ENGINE_UNREACHABLE", status, message, {
      doing,
      got: `the swarm can't act at this moment: ${message}`,
      next: "Is a manager being restarted, or are too few of them there? `docker node ls` on a manager tells.",
    });
  }
  if (status >= 500 && ENDING.test(message)) {
    return new EngineError("ENGINE_UNREACHABLE", status, message, {
      doing,
      got: `the engine is just ending: ${message}`,
      next: "Is it being restarted?",
    });
  }
  return new EngineError("ENGINE_ERROR", status, message, {
    doing,
    got: `the Docker engine answered${status === 0 ? "" : ` ${status}`}: ${message}`,
  });
}

function messageIn(body: string): string | undefined {
  const text = body.trim();
  if (text === "") return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed) return String(parsed.message);
  } catch (error) {
    // Proxies and old engines answer in plain text: that text is the message.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return truncate(text, 1_000);
}
