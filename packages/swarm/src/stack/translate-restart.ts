import { BelayError } from "@belay/core";
import type { RestartPolicy } from "@belay/docker";
import { compact } from "./compact.ts";
import { goDuration } from "./go-duration.ts";
import type { StackRestart } from "./stack-document.ts";

/**
 * `deploy.restart_policy`, or else compose's `restart`: `docker stack deploy` says that it ignores that one, but does not.
 * @throws BelayError CONFIG_INVALID
 */
export function translateRestart(
  restart: string | undefined,
  policy: StackRestart | undefined,
  service: string,
): RestartPolicy | undefined {
  if (policy !== undefined) {
    return compact({
      Condition: policy.condition as RestartPolicy["Condition"],
      Delay: policy.delay === undefined ? undefined : goDuration(policy.delay),
      MaxAttempts: policy.max_attempts,
      Window: policy.window === undefined ? undefined : goDuration(policy.window),
    });
  }
  const [name = "", attempts = ""] = (restart ?? "").split(":");
  if (name === "" || name === "no") return undefined;
  if (name === "always" || name === "unless-stopped") return { Condition: "any" };
  if (name === "on-failure" && /^\d*$/.test(attempts)) {
    return { Condition: "on-failure", MaxAttempts: Number(attempts) };
  }
  const doing = `translating the restart policy of the service ${service}`;
  throw new BelayError("CONFIG_INVALID", { doing, got: `restart: ${JSON.stringify(restart)} is not known` });
}
