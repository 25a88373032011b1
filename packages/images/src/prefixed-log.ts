import type { Log } from "@belay/core";

/** A log whose lines name the service, for builds that run side by side: folded groups can't overlap. */
export function prefixedLog(log: Log, prefix: string): Log {
  const put = (message: string): string => message.replace(/^/gm, `${prefix} | `);
  return {
    debug: (message) => log.debug(put(message)),
    info: (message) => log.info(put(message)),
    notice: (message, at) => log.notice(put(message), at),
    warn: (message, at) => log.warn(put(message), at),
    error: (message, at) => log.error(put(message), at),
    group: (title, work) => {
      log.info(put(title));
      return work();
    },
  };
}
