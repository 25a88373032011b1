import { describe, expect, it } from "vitest";
import { foreignOwnersOf } from "./foreign-owners.ts";
import type { ManagedFields, ObjectMeta } from "./kubernetes-object.ts";

const IMAGE = {
  "f:spec": { "f:template": { "f:spec": { "f:containers": { 'k:{"name":"web"}': { "f:image": {} } } } } },
};
const ownersOf = (metadata: Partial<ObjectMeta>) =>
  foreignOwnersOf({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web", ...metadata } });
const managed = (manager: string, more: Partial<ManagedFields> = {}): Partial<ObjectMeta> => ({
  managedFields: [{ manager, operation: "Update", fieldsType: "FieldsV1", fieldsV1: IMAGE, ...more }],
});

describe("foreign owners", () => {
  it.each<[string, Partial<ObjectMeta>, [level: string, check: string]]>([
    [
      "Argo CD, by annotation",
      { annotations: { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web" } },
      ["refuse", "owner_argocd"],
    ],
    ["Argo CD, by its own label", { labels: { "argocd.argoproj.io/instance": "shop" } }, ["refuse", "owner_argocd"]],
    ["Argo CD that tracks by the common label", managed("argocd-controller"), ["refuse", "owner_argocd"]],
    ["an old Argo CD without server-side apply", managed("argocd-application-controller"), ["refuse", "owner_argocd"]],
    [
      "a Helm chart that Argo CD renders",
      { labels: { "app.kubernetes.io/managed-by": "Helm" }, ...managed("argocd-controller") },
      ["refuse", "owner_argocd"],
    ],
    ["Flux", { labels: { "kustomize.toolkit.fluxcd.io/name": "shop" } }, ["refuse", "owner_flux"]],
    ["Flux, by its manager", managed("kustomize-controller", { operation: "Apply" }), ["refuse", "owner_flux"]],
    [
      "Flux that was told to leave it alone",
      {
        labels: { "kustomize.toolkit.fluxcd.io/name": "shop" },
        annotations: { "kustomize.toolkit.fluxcd.io/reconcile": "disabled" },
      },
      ["warn", "owner_flux"],
    ],
    [
      "Flux that only creates it",
      {
        labels: { "kustomize.toolkit.fluxcd.io/name": "shop" },
        annotations: { "kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent" },
      },
      ["warn", "owner_flux"],
    ],
    [
      "a HelmRelease of Flux",
      {
        labels: { "helm.toolkit.fluxcd.io/name": "shop", "app.kubernetes.io/managed-by": "Helm" },
        annotations: { "meta.helm.sh/release-name": "shop" },
      },
      ["refuse", "owner_flux_helm"],
    ],
    ["Helm", { annotations: { "meta.helm.sh/release-name": "shop" } }, ["warn", "owner_helm"]],
    ["Helm, by label", { labels: { "app.kubernetes.io/managed-by": "Helm" } }, ["warn", "owner_helm"]],
    ["Config Sync", { annotations: { "configmanagement.gke.io/managed": "enabled" } }, ["refuse", "owner_config_sync"]],
    ["Rancher", { annotations: { "objectset.rio.cattle.io/id": "x" } }, ["refuse", "owner_fleet"]],
    [
      "the addon manager",
      { labels: { "addonmanager.kubernetes.io/mode": "Reconcile" } },
      ["refuse", "owner_addon_manager"],
    ],
    ["kapp", { labels: { "kapp.k14s.io/app": "1" } }, ["warn", "owner_kapp"]],
    [
      "an operator",
      { ownerReferences: [{ apiVersion: "x/v1", kind: "Shop", name: "main", uid: "1", controller: true }] },
      ["refuse", "owner_controller"],
    ],
    ["kubectl apply", managed("kubectl-client-side-apply"), ["warn", "owner_applied"]],
    ["kubectl apply --server-side", managed("kubectl", { operation: "Apply" }), ["warn", "owner_applied"]],
    ["another CI", managed("jenkins", { operation: "Apply" }), ["warn", "owner_applied"]],
  ])("%s", (_name, metadata, [level, check]) => {
    const found = ownersOf(metadata);
    expect(found).toMatchObject([
      { level, check, message: expect.stringContaining("deployment/web has another owner (") },
    ]);
    expect(found[0]?.remedy).toMatch(/\.$/);
  });

  it.each<[string, Partial<ObjectMeta>]>([
    ["nobody", {}],
    ["Belay itself", managed("belay", { operation: "Apply" })],
    ["people who set an image by hand", managed("kubectl-set")],
    ["a tool that declares other fields", managed("jenkins", { operation: "Apply", fieldsV1: { "f:metadata": {} } })],
    ["an autoscaler", managed("kube-controller-manager", { subresource: "scale", operation: "Apply" })],
    ["an instance label, which many tools write", { labels: { "app.kubernetes.io/instance": "shop" } }],
    [
      "an owner that is no controller",
      { ownerReferences: [{ apiVersion: "x/v1", kind: "Shop", name: "main", uid: "1" }] },
    ],
    ["an addon that is only made to exist", { labels: { "addonmanager.kubernetes.io/mode": "EnsureExists" } }],
  ])("are not %s", (_name, metadata) => {
    expect(ownersOf(metadata)).toEqual([]);
  });
});
