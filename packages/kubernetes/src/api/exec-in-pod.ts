import { PassThrough } from "node:stream";
import { BelayError, messageOf } from "@belay/core";
import type { KubeConfig, V1Status } from "@kubernetes/client-node";

export interface ExecResult {
  readonly exitCode: number;
  /** Standard output and error as they came, the first 64 KiB. */
  readonly output: string;
}

const MAX_OUTPUT = 64 * 1024;

/** Runs a command in a container of a pod, without a shell, over a WebSocket. @throws BelayError when it can't be run. */
export async function execInPod(
  config: KubeConfig,
  place: { readonly namespace: string; readonly pod: string; readonly container: string },
  command: readonly string[],
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<ExecResult> {
  const { Exec } = await import("@kubernetes/client-node");
  const doing = `running ${command[0]} in ${place.pod}`;
  const output = new PassThrough();
  const parts: Buffer[] = [];
  output.on("data", (part: Buffer) => parts.push(part));
  const limit = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  const ended = Promise.withResolvers<V1Status>();
  const stop = (): void => ended.reject(new BelayError("TIMED_OUT", { doing, got: "it did not end in time" }));
  limit.addEventListener("abort", stop, { once: true });
  try {
    const { namespace, pod, container } = place;
    const socket = await new Exec(config)
      .exec(namespace, pod, container, [...command], output, output, null, false, ended.resolve)
      .catch((error: unknown) => {
        throw new BelayError("ENGINE_ERROR", { doing, got: messageOf(error), cause: error });
      });
    socket.on("error", (error: Error) =>
      ended.reject(new BelayError("ENGINE_UNREACHABLE", { doing, got: error.message })),
    );
    const status = await ended.promise.finally(() => socket.close());
    const text = Buffer.concat(parts).subarray(0, MAX_OUTPUT).toString("utf8");
    return { exitCode: exitCodeOf(status), output: text || (status.message ?? "") };
  } finally {
    limit.removeEventListener("abort", stop);
  }
}

/** `details.causes` has the exit code of a command that failed; one that could not be started has none. */
function exitCodeOf({ status, details }: V1Status): number {
  if (status === "Success") return 0;
  const code = Number(details?.causes?.find(({ reason }) => reason === "ExitCode")?.message);
  return Number.isInteger(code) ? code : 126;
}
