import { type DeploymentContext, type Observation, type Plan, type Target, withPermit } from "@belay/core";
import { abortable } from "../abortable.ts";

/**
 * Looks at the services of a plan before anybody has claimed to carry it out. A target may put right by the way what it sees; here
 * it must not.
 */
export function lookOnly(
  target: Pick<Target, "execution" | "observe">,
  plan: Plan,
  asIf: Pick<DeploymentContext, "release" | "policy">,
  signal: AbortSignal,
): Promise<Observation> {
  const { wanted } = target.execution(plan, { deployment: plan.labelledDeployment, ...asIf });
  const refuse = (): never => {
    throw new Error("nothing may be changed before a deployment has begun");
  };
  return withPermit(refuse, () => abortable(target.observe(wanted, signal), signal));
}
