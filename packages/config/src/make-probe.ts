import type { Probe } from "@belay/core";
import { toMilliseconds } from "./durations.ts";
import type { ProbeData } from "./schema.ts";

const DEFAULTS = { interval: "1s", timeout: "2s", retries: 3, status: "2xx" } as const;

/** A probe whose parts have been checked. `only` is the service of a probe that names none. */
export function makeProbe(data: ProbeData, only: string | undefined): Probe {
  return {
    service: data.service ?? only ?? "",
    from: data.from ?? (data.command === undefined ? "runner" : "instance"),
    check: makeCheck(data),
    intervalMs: toMilliseconds(data.interval ?? DEFAULTS.interval),
    timeoutMs: toMilliseconds(data.timeout ?? DEFAULTS.timeout),
    retries: data.retries ?? DEFAULTS.retries,
  };
}

function makeCheck({ http, tcp, command, status }: ProbeData): Probe["check"] {
  if (command !== undefined) return { kind: "command", command };
  if (http !== undefined) return { kind: "http", url: http, statuses: statusesOf(status ?? DEFAULTS.status) };
  const [, host = "", port = ""] = /^(.*):([0-9]+)$/.exec(tcp ?? "") ?? [];
  return { kind: "tcp", host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}

/** `2xx` is 200 to 299. */
function statusesOf(status: NonNullable<ProbeData["status"]>): readonly number[] {
  const all = (Array.isArray(status) ? status : [status]).flatMap((one) => {
    const text = String(one);
    return text.endsWith("xx")
      ? Array.from({ length: 100 }, (_, index) => Number(text[0]) * 100 + index)
      : [Number(text)];
  });
  return [...new Set(all)].sort((a, b) => a - b);
}
