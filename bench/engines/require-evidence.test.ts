import { expect, it } from "vitest";
import { CRASH_LINE } from "../../test/contract/variants.ts";
import { requireEvidence } from "./require-evidence.ts";

const said = (...logLines: string[]) => [{ service: "web", instance: "web-1", logLines, events: [], unknown: [] }];
const crashed = { outcome: "rolled_back", cause: { cause: "crash_loop", service: "web" } } as const;
const sick = { outcome: "rolled_back", cause: { cause: "unhealthy", service: "web" } } as const;

it("takes a release that was taken off for what is wrong with it, told with its last lines", () => {
  requireEvidence({ ...crashed, evidence: said("up", CRASH_LINE) }, { web: "crash" });
  requireEvidence({ ...sick, evidence: said("listening") }, { web: "sick" });
  requireEvidence({ outcome: "succeeded", evidence: [] }, { web: "good2" });
});

it.each([
  ["another cause", { ...sick, evidence: said(CRASH_LINE) }, "crash"],
  ["no cause", { outcome: "rolled_back", evidence: said(CRASH_LINE) }, "crash"],
  ["other lines", { ...crashed, evidence: said("up") }, "crash"],
  ["no lines", { ...sick, evidence: said() }, "sick"],
  ["a release with which nothing is wrong", { ...sick, evidence: said("listening") }, "good2"],
] as const)("takes no figure of %s", (_, report, variant) => {
  expect(() => requireEvidence(report, { web: variant })).toThrow("taken off");
});
