import type { Finding, Plan, RunningService } from "@belay/core";

/** Checks by which a plan tells beforehand that nothing of a service is proven: none runs, or none is watched. */
const FORETOLD: readonly string[] = ["no_replicas", "not_watched"];

/**
 * Services that are to run, of which the target wants no instance now that the release is in place, where the plan did not say so: how
 * many nodes fit a new DaemonSet is known only then. The release is as it was asked for, and nothing has shown that it is good.
 */
export function idleFindings(
  { services, findings }: Pick<Plan, "services" | "findings">,
  running: readonly RunningService[],
): readonly Finding[] {
  const foretold = new Set(findings.filter(({ check }) => FORETOLD.includes(check)).map(({ service }) => service));
  const asked = services.filter(({ goal, action, service }) => {
    return goal === "run" && action !== "remove" && !foretold.has(service);
  });
  const names = new Set(asked.map(({ service }) => service));
  return running
    .filter(({ service, desired, ready }) => names.has(service) && desired === 0 && ready === 0)
    .map(({ service, name }): Finding => {
      const message = `the target wants no instance of ${name} now: nothing of the release runs, so that nothing is proven of it`;
      const remedy = "Look at its number of replicas, or, where one runs on each node, at what a node needs for it.";
      return { level: "warn", check: "no_replicas", service, message, remedy };
    });
}
