import type { Finding } from "@belay/core";
import { expect, test } from "vitest";
import { apiErrorOf, statusOf } from "../api/api-error.ts";
import type { Access } from "../kubernetes-api.ts";
import type { PlanContents } from "../plan-detail.ts";
import type { TargetState } from "../target-state.ts";
import { missingPermissions } from "./permissions.ts";

const NO_PLAN = { objects: [], prune: [], changes: [] } as unknown as PlanContents;

const status = (reason: string, code: number, text: string): string =>
  JSON.stringify({ kind: "Status", reason, code, message: `pods "belay_asks" is ${text}` });
/** `pods "belay_asks" is forbidden: …`, as an API server answers. */
const forbidden = (why: string) => apiErrorOf("asking", statusOf(403, status("Forbidden", 403, `forbidden: ${why}`)));
const missing = apiErrorOf("asking", statusOf(404, status("NotFound", 404, "not found")));

interface Cluster {
  readonly minor: string;
  /** What it answers who opens an exec of a pod that does not exist. */
  readonly answer: Error;
  /** Verbs of pods/exec that the Role has. */
  readonly verbs?: readonly string[];
}

async function foundOn({ minor, answer, verbs = ["get"] }: Cluster): Promise<readonly Finding[]> {
  const request = async (_method: string, path: string): Promise<unknown> => {
    if (path === "/version") return { major: "1", minor };
    if (path.endsWith("/pods/belay_asks/exec")) throw answer;
    return {};
  };
  const may = async ({ subresource, verb }: Access) => subresource !== "exec" || verbs.includes(verb);
  const api = { namespace: "shop", request, may };
  const state = { api, options: { runsCommands: true } } as unknown as TargetState;
  return missingPermissions(state, NO_PLAN, new AbortController().signal);
}

const RULE = /resources: \[pods\/exec\], verbs: \[get, create\]/;

test.each(["35", "36+", ""])(
  "commands of probes are refused where the API server (1.%s) asks for create",
  async (minor) => {
    const [finding, ...others] = await foundOn({ minor, answer: forbidden("") });
    expect(finding).toMatchObject({ level: "refuse", check: "permission_missing" });
    expect(finding?.message).toContain("may not create pods/exec in the namespace shop");
    expect(finding?.remedy).toMatch(RULE);
    expect(others).toEqual([]);
  },
);

test("a role that a binding misses beside that changes nothing", async () => {
  const why = 'User "belay" cannot create resource "pods/exec": RBAC: role.rbac.authorization.k8s.io "old" not found';
  const [finding] = await foundOn({ minor: "35", answer: forbidden(why) });
  expect(finding).toMatchObject({ level: "refuse", check: "permission_missing" });
});

test.each<[string, Cluster]>([
  ["does not ask for it yet", { minor: "34", answer: missing }],
  ["is older, whoever else forbids", { minor: "34+", answer: forbidden("") }],
  ["was told not to ask for it", { minor: "35", answer: missing }],
  ["looks for the pod itself first", { minor: "35", answer: forbidden('pods "belay_asks" not found') }],
  ["has a policy about it", { minor: "35", answer: forbidden("ValidatingAdmissionPolicy 'exec' denied request") }],
])("they are warned of where the API server %s", async (_why, cluster) => {
  const found = await foundOn(cluster);
  expect(found).toMatchObject([{ level: "warn", message: expect.stringContaining("may not create pods/exec") }]);
});

test("a Role without any rule for them is refused with both verbs", async () => {
  const [finding] = await foundOn({ minor: "35", answer: forbidden("cannot get"), verbs: [] });
  expect(finding).toMatchObject({ level: "refuse", message: expect.stringContaining("may not get pods/exec") });
  expect(finding?.remedy).toMatch(RULE);
});

test("a Role with both verbs is right", async () => {
  expect(await foundOn({ minor: "35", answer: missing, verbs: ["get", "create"] })).toEqual([]);
});

test("an API server that can't be reached is no answer", async () => {
  const answer = new TypeError("broken");
  await expect(foundOn({ minor: "35", answer })).rejects.toBe(answer);
});
