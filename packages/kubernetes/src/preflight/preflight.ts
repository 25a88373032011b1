import { type Finding, mapBounded, type RolloutPolicy } from "@belay/core";
import type { NamespaceView } from "../observe/namespace-watch.ts";
import { podsOf } from "../observe/translate-service.ts";
import { isTouched, type PlanContents, type PlannedObject } from "../plan-detail.ts";
import type { TargetState } from "../target-state.ts";
import { imagesOf, templateOf } from "../workload.ts";
import { helmPending } from "./helm-pending.ts";
import { budgetHints, quotaHints } from "./hints.ts";
import { missingFiles } from "./missing-files.ts";
import { missingPermissions } from "./permissions.ts";

const AT_ONCE = 8;

/** Checks that ask the API server or a registry. */
export async function preflight(
  state: TargetState,
  plan: PlanContents,
  policy: RolloutPolicy,
  view: NamespaceView,
  signal: AbortSignal,
): Promise<Finding[]> {
  const touched = plan.objects.filter(isTouched);
  const found = await Promise.all([
    images(state, touched, signal),
    wayBack(state, touched, policy, view, signal),
    missingFiles(state.api, plan, signal),
    missingPermissions(state, plan, signal),
    helmPending(state.api, plan, signal),
    quotaHints(state.api, signal),
    budgetHints(state.api, touched, signal),
  ]);
  return found.flat();
}

/** New images, each asked for once. Also those that restore an earlier deployment. */
async function images(state: TargetState, touched: readonly PlannedObject[], signal: AbortSignal): Promise<Finding[]> {
  const { imageAvailable } = state.options;
  if (imageAvailable === undefined) return [];
  const wanted = new Map<string, string | undefined>();
  for (const { desired, live, preview } of touched) {
    const template = preview.object && templateOf(preview.object);
    if (template === undefined) {
      for (const image of Object.values(desired.images ?? {})) wanted.set(image, desired.service);
      continue;
    }
    const before = live && templateOf(live);
    const old = new Set(before === undefined ? [] : Object.values(imagesOf(before)));
    for (const image of Object.values(imagesOf(template))) if (!old.has(image)) wanted.set(image, desired.service);
  }
  const findings = await mapBounded([...wanted], AT_ONCE, signal, async ([image, name]): Promise<Finding[]> => {
    const service = name === undefined ? {} : { service: name };
    const answer = await imageAvailable(image);
    if (answer === "yes") return [];
    if (answer === "no") {
      const message = `the registry has no image ${image}`;
      const remedy = "Push it first, or check the repository's name.";
      return [{ level: "refuse", check: "image_missing", ...service, message, remedy }];
    }
    const message = `whether the registry has ${image} could not be found out from here`;
    return [{ level: "cannot tell", check: "image_missing", ...service, message }];
  });
  return findings.flat();
}

/** An image that its registry has no more is the way back only as long as every node that runs it lives. */
async function wayBack(
  state: TargetState,
  touched: readonly PlannedObject[],
  policy: RolloutPolicy,
  view: NamespaceView,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { imageAvailable } = state.options;
  const running = touched.filter(({ desired, live }) => live !== undefined && podsOf(desired, view).length > 0);
  if (imageAvailable === undefined) return [];
  const found = await mapBounded(running, AT_ONCE, signal, async ({ desired, live, preview }): Promise<Finding[]> => {
    const [before, after] = [live, preview.object].map((one) => one && templateOf(one));
    const references = before === undefined ? [] : [...new Set(Object.values(imagesOf(before)))];
    // What stays is needed on the way forward just as much: nothing is lost by it.
    const kept = new Set(after === undefined ? [] : Object.values(imagesOf(after)));
    const service = desired.service === undefined ? {} : { service: desired.service };
    const answers = await Promise.all(references.map(async (image) => [image, await imageAvailable(image)] as const));
    return answers.flatMap(([image, answer]): Finding[] => {
      if (answer === "yes" || (answer === "cannot tell" && kept.has(image))) return [];
      const where =
        answer === "no"
          ? "is no longer in its registry: only nodes that hold it could go back"
          : "may be gone from its registry, which could not be asked from here";
      const level = policy.allowNoWayBack ? "warn" : answer === "no" ? "refuse" : "cannot tell";
      const message = `the image that runs now (${image}) ${where}`;
      const remedy = "Push it again, or set `allow-no-way-back`.";
      return [{ level, check: "no_way_back", ...service, message, remedy }];
    });
  });
  return found.flat();
}
