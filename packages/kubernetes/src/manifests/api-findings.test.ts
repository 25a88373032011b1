import { describe, expect, it } from "vitest";
import { type ApiStatus, apiErrorOf } from "../api/api-error.ts";
import { conflictFindings, findingsOf } from "./api-findings.ts";
import { conflictsOf } from "./conflicts.ts";

const KEY = { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web" };
const error = (code: number, reason: string, message: string, details: ApiStatus["details"] = {}) =>
  apiErrorOf("trying", { code, reason, message, details });

describe("what the API server says", () => {
  it.each<[string, ReturnType<typeof error>, string, string]>([
    [
      "an immutable field",
      error(422, "Invalid", "spec.selector: Invalid value: x: field is immutable"),
      "refuse",
      "immutable_field",
    ],
    [
      "a StatefulSet's",
      error(422, "Invalid", "updates to statefulset spec for fields other than 'replicas' are forbidden"),
      "refuse",
      "immutable_field",
    ],
    ["a mistake", error(422, "Invalid", "spec.replicas: Invalid value: -1"), "refuse", "object_invalid"],
    ["a body of the wrong type", error(400, "BadRequest", "cannot unmarshal"), "refuse", "object_invalid"],
    [
      "a webhook without dry run",
      error(400, "BadRequest", 'admission webhook "x" does not support dry run'),
      "cannot tell",
      "dry_run_unsupported",
    ],
    ["a quota", error(403, "Forbidden", 'deployments.apps "web" is forbidden: exceeded quota: q'), "refuse", "quota"],
    [
      "a webhook",
      error(403, "Forbidden", 'admission webhook "x" denied the request: no'),
      "refuse",
      "admission_refused",
    ],
    ["a policy", error(422, "Invalid", 'ValidatingAdmissionPolicy "x" denied request: no'), "refuse", "object_invalid"],
    [
      "a missing permission",
      error(403, "Forbidden", 'deployments.apps "web" is forbidden: User "x" cannot patch'),
      "refuse",
      "forbidden",
    ],
    ["a missing namespace", error(404, "NotFound", 'namespaces "shop" not found'), "refuse", "namespace_missing"],
    ["anything else", error(409, "AlreadyExists", "object is being deleted"), "refuse", "object_refused"],
  ])("%s is a finding with what came back and what to do", (_name, thrown, level, check) => {
    const [finding, ...more] = findingsOf(thrown, KEY, "web");
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      level,
      check,
      service: "web",
      message: expect.stringContaining(thrown.apiMessage),
    });
    expect(finding?.message).toContain("deployment/web");
    expect(finding?.remedy?.length).toBeGreaterThan(10);
  });

  it("of conflicts is told per manager", () => {
    const cause = (manager: string, field: string) => ({
      reason: "FieldManagerConflict",
      message: `conflict with "${manager}" using apps/v1`,
      field,
    });
    const causes = [cause("kubectl", ".spec.a"), cause("helm", ".spec.b"), cause("kubectl", ".spec.c")];
    const conflicts = conflictsOf(error(409, "Conflict", "Apply failed with 3 conflicts", { causes }));
    expect(conflictFindings(conflicts, KEY, undefined).map(({ message }) => message)).toEqual([
      "deployment/web: the field manager `kubectl` owns .spec.a, .spec.c with another value.",
      "deployment/web: the field manager `helm` owns .spec.b with another value.",
    ]);
  });
});
