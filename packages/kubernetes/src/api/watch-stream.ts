import type { IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { BelayError, messageOf } from "@belay/core";
import type { WatchEvent } from "../kubernetes-api.ts";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { apiErrorOf, statusOf } from "./api-error.ts";

/**
 * The events of a watch, one JSON object a line (API concepts, "Efficient detection of changes"). Ends with the stream or
 * the signal. @throws ApiError for an `ERROR` event: 410 when the resourceVersion is too old; BelayError ENGINE_UNREACHABLE
 * when the connection was cut.
 */
export async function* watchStream(
  answer: IncomingMessage,
  doing: string,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const lines = createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY });
  // A cut connection: readline ends without a word of it, or throws it, or gives the half of a line.
  let cut: unknown;
  answer.once("error", (error) => {
    cut = error;
    lines.close();
  });
  try {
    for await (const line of lines) {
      if (line.trim() === "") continue;
      yield eventOf(line, doing);
    }
  } catch (error) {
    if (error instanceof BelayError) throw error;
    cut ??= error;
  } finally {
    lines.close();
    answer.destroy();
  }
  if (cut !== undefined && !signal.aborted) {
    const got = `the connection was cut (${messageOf(cut)})`;
    throw new BelayError("ENGINE_UNREACHABLE", { doing, got, cause: cut });
  }
}

function eventOf(line: string, doing: string): WatchEvent {
  const event = JSON.parse(line) as { type: WatchEvent["type"] | "ERROR"; object: KubernetesObject };
  if (event.type === "ERROR") throw apiErrorOf(doing, statusOf(0, JSON.stringify(event.object)));
  return { type: event.type, object: event.object };
}
