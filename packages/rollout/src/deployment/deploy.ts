import type { Plan, Source } from "@belay/core";
import type { RunsFacts } from "../ledger/records.ts";
import { ageFinding } from "../plan/age-finding.ts";
import type { DeploymentResult, DeployPorts, DeployRequest } from "../ports.ts";
import { releaseFacts } from "./run-facts.ts";
import { undertake } from "./undertake.ts";
import { whyNotAsk } from "./why-not-ask.ts";

/**
 * Makes the target run a release and proves it, or puts back what ran before and proves that. Whatever happens on the
 * target becomes an outcome; only what fails before anything was begun (no engine, a defect) is thrown.
 *
 * @throws BelayError when reading the ledger or planning failed: nothing was touched.
 */
export function deploy(request: DeployRequest, ports: DeployPorts): Promise<DeploymentResult> {
  const { release, ...rest } = request;
  const { target, isOlder, objections } = ports;
  const ageOver = (running: Source | undefined) => ageFinding(running, request.policy, isOlder);
  let foreseen: { readonly running: Source | undefined; readonly age: ReturnType<typeof ageOver> } | undefined;
  return undertake(
    {
      ...rest,
      intent: "deploy",
      release: releaseFacts(release),
      plan: () => target.plan(release, request.policy),
      foresee: (before: RunsFacts | undefined) => {
        const running = provenSource(before);
        foreseen = { running, age: ageOver(running) };
        // Told where it is asked for, which it is not after a plan that failed.
        foreseen.age.catch(() => undefined);
      },
      check: async (_: Plan, before: RunsFacts | undefined) => {
        const running = provenSource(before);
        const ageNow = foreseen?.running === running ? foreseen?.age : ageOver(running);
        const [age, others = []] = await Promise.all([ageNow, objections?.()]);
        return age === undefined ? others : [age, ...others];
      },
      whyNotAsk: (holder) => whyNotAsk({ intent: "deploy", source: release.source }, holder, isOlder),
    },
    ports,
  );
}

/** What was never proven to run says nothing of what does. */
function provenSource(before: RunsFacts | undefined): Source | undefined {
  return before?.proven === true ? before.release?.source : undefined;
}
