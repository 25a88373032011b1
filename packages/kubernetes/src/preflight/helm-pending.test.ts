import { expect, it } from "vitest";
import { apiErrorOf } from "../api/api-error.ts";
import type { KubernetesApi, ListOptions } from "../kubernetes-api.ts";
import type { KubernetesObject } from "../kubernetes-object.ts";
import type { PlanContents, PlannedObject } from "../plan-detail.ts";
import { helmPending } from "./helm-pending.ts";

const never = new AbortController().signal;

function owned(
  name: string,
  annotations: Readonly<Record<string, string>>,
  action: "update" | "unchanged" = "update",
): PlannedObject {
  const key = { apiVersion: "apps/v1", kind: "Deployment" };
  return {
    desired: { ...key, name, verb: "patch-image", service: name, dependsOn: [] },
    live: { ...key, metadata: { name, annotations } },
    preview: { object: undefined, action, differences: [], findings: [] },
  };
}

/** A revision as Helm keeps it. */
function revision(release: string, version: number, status: string): KubernetesObject {
  const labels = { owner: "helm", name: release, version: String(version), status };
  return { apiVersion: "v1", kind: "Secret", metadata: { name: `sh.helm.release.v1.${release}.v${version}`, labels } };
}

async function ask(objects: readonly PlannedObject[], answer: readonly KubernetesObject[] | number) {
  const asked: (string | undefined)[] = [];
  const list = async (_version: string, _kind: string, options: ListOptions = {}) => {
    asked.push(options.labelSelector);
    if (typeof answer !== "number") return { resourceVersion: "1", items: answer };
    throw apiErrorOf("listing secrets", { code: answer, reason: "Forbidden", message: "no", details: {} });
  };
  const plan = { objects } as unknown as PlanContents;
  return { asked, found: await helmPending({ namespace: "shop", list } as unknown as KubernetesApi, plan, never) };
}

const OF_SHOP = { "meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "shop" };

it("tells of a release whose newest revision was never ended, once for all its objects", async () => {
  const revisions = [
    revision("shop", 9, "deployed"),
    revision("shop", 10, "pending-upgrade"),
    revision("shop", 8, "superseded"),
  ];
  const { asked, found } = await ask([owned("web", OF_SHOP), owned("api", OF_SHOP)], revisions);
  expect(asked).toEqual(["owner=helm,name in (shop)"]);
  expect(found).toMatchObject([
    {
      ...{ level: "warn", check: "helm_pending", service: "web" },
      message: expect.stringMatching(
        /shop, to which deployment\/web, deployment\/api belongs, is `pending-upgrade` \(revision 10\)/,
      ),
      remedy: expect.stringContaining("is deleted, CustomResourceDefinitions with all their objects too"),
    },
  ]);
});

it("tells of none that was ended since, and of no other release's", async () => {
  const revisions = [
    revision("shop", 9, "pending-upgrade"),
    revision("shop", 10, "deployed"),
    revision("other", 1, "pending-install"),
  ];
  expect((await ask([owned("web", OF_SHOP)], revisions)).found).toEqual([]);
});

it.each([
  ["that nobody's chart made", owned("web", {})],
  ["that is not changed", owned("web", OF_SHOP, "unchanged")],
  ["of a release in another namespace", owned("web", { ...OF_SHOP, "meta.helm.sh/release-namespace": "else" })],
  ["whose annotation is no name", owned("web", { ...OF_SHOP, "meta.helm.sh/release-name": "a),owner!=(b" })],
])("asks nothing for an object %s", async (_, object) => {
  expect(await ask([object], [])).toEqual({ asked: [], found: [] });
});

it("says nothing when it may not look", async () => {
  expect((await ask([owned("web", OF_SHOP)], 403)).found).toEqual([]);
  await expect(ask([owned("web", OF_SHOP)], 500)).rejects.toMatchObject({ status: 500 });
});
