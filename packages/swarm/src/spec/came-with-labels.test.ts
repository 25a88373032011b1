import { LABELS } from "@belay/core";
import type { ServiceSpec } from "@belay/docker";
import { expect, it } from "vitest";
import { cameWithLabels } from "./came-with-labels.ts";

function spec(deployment?: number, revision = "r1"): ServiceSpec {
  const own = { [LABELS.scope]: "s", [LABELS.deployment]: String(deployment), [LABELS.revision]: revision };
  return { Name: "web", Labels: deployment === undefined ? { team: "a" } : own, TaskTemplate: {} };
}

it.each([
  ["it was made by Belay", spec(1), undefined, true],
  ["it was somebody's until then", spec(1), spec(), true],
  ["it was of an earlier deployment", spec(2), spec(1), true],
  ["only what the engine shows was put on the label", spec(2, "shown"), spec(2, "sent"), true],
  ["somebody changed it since, with the labels that it had", spec(2), spec(2), false],
  ["Belay never wrote it", spec(), spec(), false],
  ["somebody took the labels off", spec(), spec(2), false],
])("a spec whose labels are Belay's is Belay's own, when %s", (_, now, before, own) => {
  expect(cameWithLabels({ Spec: now, PreviousSpec: before ?? null })).toBe(own);
});
