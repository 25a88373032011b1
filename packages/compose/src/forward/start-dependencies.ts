import { BelayError } from "@belay/core";
import type { ComposeContainer } from "../containers/compose-container.ts";
import type { ComposeDependency } from "../files/compose-project.ts";
import { isTouched } from "../plan/plan-detail.ts";
import { bringUp } from "./bring-up.ts";
import type { Work } from "./create-containers.ts";

/** Events tell of changes; should one be lost, it is looked after so long. */
const LOOK_MS = 2_000;

/**
 * Starts services that the release depends on, that have no container, and that belay.yaml does not name: the first
 * deployment of a project. They are made as a plain `docker compose up -d` makes them and are the user's from then on.
 *
 * @throws BelayError ENGINE_ERROR when one does not get as far as `depends_on` asks within the start time.
 */
export async function startDependencies(work: Work, signal: AbortSignal): Promise<void> {
  const { state, plan, context } = work;
  const names = plan.missingDependencies;
  if (names.length === 0) return;
  const { clock, log, scope } = state.options;
  log.info(`starting ${names.join(", ")}, which the release needs`);
  await bringUp(work, names, signal);
  const deadline = clock.now() + context.policy.startMs;
  for (;;) {
    const containers = await state.watch.read(new Set(names), "judged", signal);
    const waiting = conditionsOf(work).filter(([name, condition]) => !isMet(condition, name, containers));
    if (waiting.length === 0) return;
    if (clock.now() >= deadline) {
      throw new BelayError("ENGINE_ERROR", {
        doing: "starting what the release depends on",
        got: `after ${context.policy.startMs} ms still not so: ${waiting.map((pair) => pair.join(" ")).join(", ")}`,
        next: `See why: docker compose -p ${scope.project} logs ${waiting.map(([name]) => name).join(" ")}`,
      });
    }
    await state.watch.changed(signal, LOOK_MS);
  }
}

/** What services of the release ask of the missing dependencies. */
function conditionsOf({ plan }: Work): [string, ComposeDependency["condition"]][] {
  const missing = new Set(plan.missingDependencies);
  return plan.services.filter(isTouched).flatMap((one) => {
    const asked = Object.entries(plan.project.services[one.name]?.depends_on ?? {});
    return asked.flatMap(([name, { condition }]): [string, ComposeDependency["condition"]][] =>
      missing.has(name) ? [[name, condition]] : [],
    );
  });
}

function isMet(
  condition: ComposeDependency["condition"],
  name: string,
  containers: readonly ComposeContainer[],
): boolean {
  const theirs = containers.filter((one) => one.service === name);
  return theirs.every(({ inspect: { State } }) => {
    if (condition === "service_completed_successfully") return State.Status === "exited" && State.ExitCode === 0;
    const running = State.Running && !State.Restarting;
    return condition === "service_healthy" ? running && State.Health?.Status === "healthy" : running;
  });
}
