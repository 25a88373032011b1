import type { Log } from "@belay/core";
import type { Docker } from "@belay/docker";
import { stopHere } from "./stop-here.ts";
import type { StopPoint } from "./stop-within.ts";

/** The same client of a swarm, on which this process stops just before it creates or removes a service. */
export function stopAtWorker(docker: Docker, point: StopPoint | undefined, log: Log): Docker {
  if (point === undefined) return docker;
  let stopped = false;
  const stopAt = (way: StopPoint["way"]): void => {
    if (stopped || way !== point.way) return;
    stopped = true;
    stopHere(point.signal, log);
  };
  const { services } = docker;
  return {
    ...docker,
    services: {
      ...services,
      create: (spec, options) => {
        stopAt("add");
        return services.create(spec, options);
      },
      remove: (id, options) => {
        stopAt("prune");
        return services.remove(id, options);
      },
    },
  };
}
