import type { Observation } from "@belay/core";
import type { Aim, RolloutPorts } from "../ports.ts";
import { bound } from "../way/course.ts";
import { lookOnly } from "../way/look-only.ts";
import { type BeforeChange, illBefore, messageFor } from "./nothing-to-go-back-to.ts";

/** How long a look at what runs may take, in milliseconds. */
const LOOK_MS = 5_000;

/**
 * Services that are ill before a deployment begins and that no way back can be held to, as {@link illBefore} says. Its begin
 * names them: whoever recovers it can't look any more.
 */
export async function findIll(
  { policy, release }: Aim,
  ports: RolloutPorts,
  known: Pick<BeforeChange, "before" | "plan">,
): Promise<readonly string[]> {
  const beganAt = ports.clock.now();
  const times = { beganAt, deadlineAt: beganAt + LOOK_MS };
  const limit = bound({ ports, policy, direction: "forward", ...times, cancel: ports.signal });
  const look = (): Promise<Observation> =>
    lookOnly(ports.target, known.plan, { release: release.digest, policy }, limit.signal);
  try {
    const ill = await illBefore(ports, { ...known, look });
    if (ill.length > 0) ports.log.warn(messageFor(known.before?.deployment, ill));
    return ill;
  } finally {
    limit.done();
  }
}
