import type { Finding } from "@belay/core";
import { type KubernetesObject, keyOf, titleOf } from "./kubernetes-object.ts";
import { FIELD_MANAGER } from "./marks.ts";

/** How a tool is known to hold an object, and what that means for a change by Belay. */
interface Owner {
  readonly check: string;
  /** What says so, for the message; `undefined` when this object is not its. */
  readonly sign: (object: KubernetesObject) => string | undefined;
  readonly level: (object: KubernetesObject) => "refuse" | "warn";
  readonly says: string;
  readonly remedy: string;
}

const GITOPS_REMEDY =
  "Let one of the two deploy it: write the image into the repository that the controller follows, or take the object out of its hands.";

/*
 * Signs are what each tool writes itself: Argo CD "Resource tracking", Flux "Kustomization" and "HelmRelease" (labels of the
 * controllers), Helm "Labels and annotations", Config Sync, Fleet, kapp, the addon manager.
 */
const OWNERS: readonly Owner[] = [
  {
    check: "owner_argocd",
    sign: firstOf(
      annotation("argocd.argoproj.io/tracking-id"),
      label("argocd.argoproj.io/instance"),
      manager(/^argocd-/),
    ),
    level: () => "refuse",
    says: "Argo CD keeps it as its repository says, and would put this change back",
    remedy: GITOPS_REMEDY,
  },
  {
    check: "owner_flux",
    sign: firstOf(label("kustomize.toolkit.fluxcd.io/name"), manager(/^kustomize-controller$/)),
    level: (object) => (isLeftAloneByFlux(object) ? "warn" : "refuse"),
    says: "Flux keeps it as its repository says, and would put this change back",
    remedy: `${GITOPS_REMEDY} The annotation \`kustomize.toolkit.fluxcd.io/reconcile: disabled\` does that for one object.`,
  },
  {
    check: "owner_flux_helm",
    sign: firstOf(label("helm.toolkit.fluxcd.io/name"), manager(/^helm-controller$/)),
    level: () => "refuse",
    says: "Flux keeps it as its HelmRelease says, and would put this change back",
    remedy: GITOPS_REMEDY,
  },
  {
    check: "owner_config_sync",
    sign: (object) =>
      object.metadata.annotations?.["configmanagement.gke.io/managed"] === "enabled"
        ? "annotation `configmanagement.gke.io/managed`"
        : undefined,
    level: () => "refuse",
    says: "Config Sync keeps it as its repository says, and would put this change back",
    remedy: GITOPS_REMEDY,
  },
  {
    check: "owner_fleet",
    sign: annotation("objectset.rio.cattle.io/id"),
    level: () => "refuse",
    says: "Rancher keeps it as its repository says, and would put this change back",
    remedy: GITOPS_REMEDY,
  },
  {
    check: "owner_addon_manager",
    sign: (object) =>
      object.metadata.labels?.["addonmanager.kubernetes.io/mode"] === "Reconcile"
        ? "label `addonmanager.kubernetes.io/mode`"
        : undefined,
    level: () => "refuse",
    says: "the addon manager of the cluster keeps it, and would put this change back",
    remedy: "Deploy another object than one of the cluster's own.",
  },
  {
    check: "owner_controller",
    sign: controllerOf,
    level: () => "refuse",
    says: "its controller makes it from that, and would put this change back",
    remedy: "Change the object that it is made from.",
  },
  {
    check: "owner_helm",
    sign: firstOf(annotation("meta.helm.sh/release-name"), managedByHelm),
    level: () => "warn",
    says: "it belongs to a Helm release: the next `helm upgrade` brings the chart's own values back, and `helm rollback` knows nothing of this change",
    remedy: "Give the image to the chart's values as well, or take the object out of the chart.",
  },
  {
    check: "owner_kapp",
    sign: label("kapp.k14s.io/app"),
    level: () => "warn",
    says: "it belongs to a kapp application: the next `kapp deploy` brings its own state back",
    remedy: "Deploy it with one of the two.",
  },
  {
    check: "owner_applied",
    sign: otherApplier,
    level: () => "warn",
    says: "that tool's next run brings its own image back",
    remedy: "Deploy it with one of the two, or leave the image out of the other's files.",
  },
];

/** Owners that say the same as one before them in the list: an object of Flux' HelmRelease is Helm's, too. */
const INCLUDED: Readonly<Record<string, readonly string[]>> = {
  owner_helm: ["owner_flux_helm", "owner_argocd"],
  owner_applied: OWNERS.map(({ check }) => check).filter((check) => check !== "owner_applied"),
};

/**
 * Who else keeps this object as it is, from its labels, annotations, owner references and managed fields. `refuse`: a
 * controller would put a change back by itself. `warn`: somebody's next run of a tool would.
 */
export function foreignOwnersOf(object: KubernetesObject): Finding[] {
  const found = OWNERS.flatMap((owner) => {
    const sign = owner.sign(object);
    return sign === undefined ? [] : [{ owner, sign }];
  });
  const checks = new Set(found.map(({ owner }) => owner.check));
  const own = found.filter(({ owner }) => !INCLUDED[owner.check]?.some((other) => checks.has(other)));
  return own.map(({ owner, sign }) => ({
    level: owner.level(object),
    check: owner.check,
    message: `${titleOf(keyOf(object))} has another owner (${sign}): ${owner.says}.`,
    remedy: owner.remedy,
  }));
}

type Sign = (object: KubernetesObject) => string | undefined;

function firstOf(...signs: readonly Sign[]): Sign {
  return (object) => signs.map((sign) => sign(object)).find((sign) => sign !== undefined);
}

function annotation(name: string): Sign {
  return ({ metadata }) => (metadata.annotations?.[name] === undefined ? undefined : `annotation \`${name}\``);
}

function label(name: string): Sign {
  return ({ metadata }) => (metadata.labels?.[name] === undefined ? undefined : `label \`${name}\``);
}

function manager(pattern: RegExp): Sign {
  return ({ metadata }) => {
    const found = metadata.managedFields?.find(
      (entry) => pattern.test(entry.manager ?? "") && entry.subresource === undefined,
    );
    return found === undefined ? undefined : `field manager \`${found.manager}\``;
  };
}

function managedByHelm({ metadata }: KubernetesObject): string | undefined {
  return metadata.labels?.["app.kubernetes.io/managed-by"] === "Helm"
    ? "label `app.kubernetes.io/managed-by: Helm`"
    : undefined;
}

/** kustomize-controller then neither applies nor prunes (fluxcd/kustomize-controller#484). */
function isLeftAloneByFlux({ metadata }: KubernetesObject): boolean {
  const { annotations = {} } = metadata;
  return (
    annotations["kustomize.toolkit.fluxcd.io/reconcile"] === "disabled" ||
    ["IfNotPresent", "Ignore"].includes(annotations["kustomize.toolkit.fluxcd.io/ssa"] ?? "")
  );
}

function controllerOf({ metadata }: KubernetesObject): string | undefined {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return owner === undefined ? undefined : `${owner.kind.toLowerCase()}/${owner.name} controls it`;
}

/** Another tool that declares an image: by server-side apply, or kubectl's own older apply. */
function otherApplier({ metadata }: KubernetesObject): string | undefined {
  const found = metadata.managedFields?.find(
    ({ manager = "", operation, subresource, ...rest }) =>
      manager !== FIELD_MANAGER &&
      subresource === undefined &&
      (operation === "Apply" || manager === "kubectl-client-side-apply") &&
      JSON.stringify(rest.fieldsV1 ?? {}).includes('"f:image"'),
  );
  return found === undefined ? undefined : `\`${found.manager}\` applied its image`;
}
