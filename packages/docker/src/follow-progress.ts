import { BelayError } from "@belay/core";
import { engineErrorOf } from "./engine-error.ts";
import type { EngineHttp, EngineRequest } from "./engine-http.ts";
import { DEFAULT_DEADLINE_MS } from "./engine-http.ts";
import type { ProgressMessage } from "./engine-types.ts";
import { jsonLines } from "./json-lines.ts";
import { within } from "./within.ts";

export type Progress = (message: ProgressMessage) => void;

/**
 * Sends a request whose answer is a stream of progress messages and reads it to its end. The HTTP status is 200 even
 * when the work fails: the error is a message in the stream, and becomes an `EngineError` here.
 */
export async function followProgress(http: EngineHttp, request: EngineRequest, onMessage: Progress): Promise<void> {
  const deadlineMs = request.deadlineMs ?? DEFAULT_DEADLINE_MS;
  await within(http.clock, { ...request, deadlineMs }, async (signal) => {
    const { response, socket } = await http.open({ ...request, signal, deadlineMs });
    try {
      for await (const message of jsonLines(response)) onMessage(checked(http, request.doing, message));
    } catch (error) {
      signal.throwIfAborted();
      throw await http.explain(error, request.doing, socket);
    } finally {
      response.destroy();
    }
  });
}

function checked(http: EngineHttp, doing: string, value: unknown): ProgressMessage {
  if (typeof value !== "object" || value === null) {
    throw new BelayError("ENGINE_ERROR", { doing, got: "the engine's progress stream holds something unknown" });
  }
  const message = value as ProgressMessage;
  const failure = message.errorDetail?.message ?? message.error;
  if (failure === undefined) return message;
  throw engineErrorOf(doing, message.errorDetail?.code ?? 0, http.redactor.redact(failure));
}
