import { describe, expect, it } from "vitest";
import type { ManagedFields } from "../kubernetes-object.ts";
import { observedRevision } from "./observed-revision.ts";
import { othersDoing, whoChanged } from "./others-change.ts";

const TEMPLATE = { "f:spec": { "f:template": { "f:spec": {} } } };

function shown(entries: readonly ManagedFields[], kind = "Deployment") {
  return { apiVersion: "apps/v1", kind, metadata: { name: "web", managedFields: entries } };
}

const entry = (manager: string, time: string, fieldsV1: object = TEMPLATE, more: object = {}): ManagedFields => ({
  ...{ manager, time: `2026-11-26T10:00:${time}Z`, fieldsV1, operation: "Update" },
  ...more,
});

describe("who changed the pod template last", () => {
  it.each([
    ["another one after Belay", [entry("kubectl-set", "02"), entry("belay", "01")], "kubectl-set"],
    ["another one in the same second", [entry("kubectl-set", "01"), entry("belay", "01")], "kubectl-set"],
    ["Belay after another one", [entry("kubectl-set", "01"), entry("belay", "02")], undefined],
    ["nobody, where only a status moved", [entry("x", "02", TEMPLATE, { subresource: "status" })], undefined],
    ["nobody, where only the scale was changed", [entry("x", "02", { "f:spec": { "f:replicas": {} } })], undefined],
    ["nobody that is known", [], undefined],
  ])("is %s", (_, entries, who) => {
    expect(whoChanged(shown(entries))).toBe(who);
  });

  it("is found where a CronJob has its template", () => {
    const fields = { "f:spec": { "f:jobTemplate": TEMPLATE } };
    expect(whoChanged(shown([entry("kubectl-edit", "02", fields)], "CronJob"))).toBe("kubectl-edit");
  });
});

describe("a pod template that is in force", () => {
  const object = (image: string, generation: number, uid = "u") => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", uid, generation },
    spec: { template: templateOf(image) },
  });
  const leaving = ({ metadata, ...rest }: ReturnType<typeof object>) => {
    return { ...rest, metadata: { ...metadata, deletionTimestamp: "2026-11-26T10:00:00Z" } };
  };
  const templateOf = (image: string) => ({ spec: { containers: [{ name: "web", image }] } });
  const own = object("own", 2);

  it.each([
    ["a later one, and another", object("another", 3), own, "changed"],
    ["the one that was written", object("own", 3), own, undefined],
    ["the wanted one", object("wanted", 3), own, undefined],
    ["an earlier one, which a watch still shows", object("before", 1), own, undefined],
    ["one of the same generation", object("another", 2), own, undefined],
    ["another one, of an object that was made anew", object("another", 1, "v"), own, "changed"],
    ["the wanted one, of an object that was made anew", object("wanted", 1, "v"), own, undefined],
    ["gone with its workload", undefined, own, "removed"],
    ["of a workload that is told to go", leaving(object("own", 3)), own, "removed"],
    ["gone with a Job, which may go by itself", undefined, { ...own, kind: "Job" }, undefined],
    ["of a workload that is no matter of this run", object("another", 3), undefined, undefined],
    ["of a workload that never was", undefined, undefined, undefined],
  ])("is somebody else's, or not: %s", (_, now, written, doing) => {
    expect(othersDoing(now, written, observedRevision(templateOf("wanted")))).toBe(doing);
  });
});
