export interface KubeletLog {
  /** What the container itself wrote. */
  readonly log: string;
  /** Why there is no more of it, in the kubelet's words. */
  readonly failure?: string;
}

/**
 * Once the kubelet has found the container, it begins its answer with status 200, and what goes wrong after that it can only
 * write into the body (`pkg/kubelet/server` 1.34, getContainerLogs; texts from kuberuntime and `cri-client/pkg/logs`). It
 * ends the body without a newline, which every line of a container has.
 */
const FAILURES = [
  /unable to retrieve container logs for [a-z-]+:\/\/\S+$/,
  /container status is nil$/,
  /failed to (?:try resolving symlinks in path|(?:re)?open log file|read log file|tail -?\d+ lines of log file|seek \d+ in log file) .+$/,
  /rpc error: code = \w+ desc = .+$/,
];

/** Tells a container's own words from the kubelet's. Pure. */
export function splitKubeletLog(body: string): KubeletLog {
  const start = body.lastIndexOf("\n") + 1;
  const last = body.slice(start);
  const isWhole = (pattern: RegExp): boolean => pattern.exec(last)?.index === 0;
  return FAILURES.some(isWhole) ? { log: body.slice(0, start), failure: last } : { log: body };
}
