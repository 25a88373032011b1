import { messageOf, oneLine, tail } from "@belay/core";
import type { Pod } from "../observe/pod.ts";
import type { TargetState } from "../target-state.ts";
import { type KubeletLog, splitKubeletLog } from "./split-kubelet-log.ts";

const LOG_LINES = 50;
const LOG_BYTES = 256 * 1024;
const TEXT = 1_000;
const OTHER_RUN = "the node keeps no log of the run that failed: these lines are of another run of the same container";

export interface PodLog {
  readonly lines: readonly string[];
  /** Why there are none, when that is no answer by itself. */
  readonly unknown: readonly string[];
}

/**
 * The last lines of the run that failed: the previous one when the container runs again. Where the node has cleared that
 * away already, those of the other run, which mostly failed alike.
 */
export async function readPodLog(
  state: TargetState,
  pod: Pod,
  container: string | undefined,
  signal: AbortSignal,
): Promise<PodLog> {
  const name = container ?? pod.spec.containers[0]?.name;
  const all = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const status = all.find((one) => one.name === name);
  const restarted = (status?.restartCount ?? 0) > 0;
  const previous = restarted && status?.state?.terminated === undefined;
  const failures: string[] = [];
  // A pod that was not restarted when it was looked at may be by now: then its first run is the previous one.
  for (const which of [previous, !previous]) {
    if (which !== previous && !restarted && failures.length === 0) break;
    try {
      const { log, failure } = await ask(state, pod, name, which, signal);
      if (log !== "") {
        const lines = tail(log, LOG_LINES).map((line) => redacted(state, line));
        const other = which === previous || !restarted || failures.length === 0 ? [] : [OTHER_RUN];
        return { lines, unknown: other };
      }
      if (failure !== undefined) failures.push(failure);
    } catch (error) {
      signal.throwIfAborted();
      failures.push(messageOf(error));
    }
  }
  const [first] = failures;
  const unknown = first === undefined ? [] : [`its log could not be read: ${redacted(state, oneLine(first, TEXT))}`];
  return { lines: [], unknown };
}

function redacted(state: TargetState, text: string): string {
  return state.options.redactor.redact(text);
}

async function ask(
  state: TargetState,
  pod: Pod,
  container: string | undefined,
  previous: boolean,
  signal: AbortSignal,
): Promise<KubeletLog> {
  const [namespace, name] = [pod.metadata.namespace ?? state.api.namespace, pod.metadata.name].map(encodeURIComponent);
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/log`;
  const query = { container, previous: previous ? true : undefined, tailLines: LOG_LINES, limitBytes: LOG_BYTES };
  return splitKubeletLog(await state.api.text(path, { query, signal, doing: `reading the log of ${name}` }));
}
