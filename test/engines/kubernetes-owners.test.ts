import type { Finding } from "@belay/core";
import type { DeploymentResult } from "@belay/rollout";
import { describe, expect, it } from "vitest";
import type { ImageCatalogue } from "../contract/images.ts";
import { running, it as spacedIt, templateOf, workload } from "./kubernetes-space.ts";
import { deploymentOf, releaseOf, roll } from "./manifest-shop.ts";
import type { ManifestStand } from "./manifest-stand.ts";
import { useManifestStands } from "./use-manifest-stands.ts";

/* What other tools write on the objects that they hold, on objects of a real API server. */

interface Owner {
  readonly tool: string;
  readonly level: Finding["level"];
  readonly check: string;
  /** Of the object, as this tool writes it. */
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

const OWNERS: readonly Owner[] = [
  {
    ...{ tool: "Argo CD", level: "refuse", check: "owner_argocd" },
    metadata: { annotations: { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web" } },
  },
  {
    ...{ tool: "Flux", level: "refuse", check: "owner_flux" },
    metadata: {
      labels: { "kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system" },
    },
  },
  {
    ...{ tool: "a HelmRelease of Flux", level: "refuse", check: "owner_flux_helm" },
    metadata: {
      annotations: { "meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "shop" },
      labels: { "helm.toolkit.fluxcd.io/name": "shop", "app.kubernetes.io/managed-by": "Helm" },
    },
  },
  {
    ...{ tool: "Helm", level: "warn", check: "owner_helm" },
    metadata: {
      annotations: { "meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "shop" },
      labels: { "app.kubernetes.io/managed-by": "Helm" },
    },
  },
];
const REFUSING = OWNERS.filter(({ level }) => level === "refuse");
const WARNING = OWNERS.filter(({ level }) => level === "warn");

/** The owner is told, by its name and on its object, and no other beside it. */
function expectOwner({ report }: DeploymentResult, { tool, level, check }: Owner): void {
  const owners = report.findings.filter((one) => one.check.startsWith("owner_"));
  const name = tool.split(" ").at(-1);
  const message = expect.stringMatching(new RegExp(`^deployment/web has another owner \\(.*${name}`));
  expect(owners).toMatchObject([{ level, check, service: "web", message }]);
}

describe.concurrent("a workload that exists", () => {
  spacedIt.for(REFUSING)("and that $tool holds is refused", async (owner, { shop }) => {
    const template = templateOf(await shop.image("good1"));
    await shop.apply([workload("Deployment", { replicas: 0, template }, owner.metadata)]);
    const refused = await shop.deploy({ web: "deployment/web" }, { web: "good2" });
    expect(refused, shop.log.text()).toMatchObject({ outcome: "refused" });
    expectOwner(refused, owner);
    const image = await shop.read("deployment/web", "{.spec.template.spec.containers[0].image}");
    expect(image).toBe(await shop.image("good1"));
  });

  spacedIt.for(WARNING)("and that $tool holds is changed, with a warning", async (owner, { shop }) => {
    const template = templateOf(await shop.image("good1"));
    await shop.apply([workload("Deployment", { replicas: 1, template }, owner.metadata)]);
    const good = await shop.deploy({ web: "deployment/web" }, { web: "good2" });
    expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    expectOwner(good, owner);
    expect(await running(shop)).toEqual([`${await shop.image("good2")} true`]);
  });
});

describe("manifests", () => {
  let images: ImageCatalogue;
  let stand: ManifestStand;
  useManifestStands((opened, catalogue) => {
    stand = opened;
    images = catalogue;
  });

  /** What runs by a deployment of Belay, before somebody else takes hold of it. */
  async function deployThenMark({ metadata }: Owner): Promise<void> {
    await stand.write({ "web.yaml": deploymentOf("web", { replicas: 1 }) });
    const first = await roll(stand, await releaseOf(images, { web: "good1" }));
    expect(first, first.log).toMatchObject({ outcome: "succeeded" });
    await stand.kubectl("patch", "deployment/web", "--type", "merge", "--patch", JSON.stringify({ metadata }));
  }

  const image = (): Promise<string> =>
    stand.kubectl("get", "deployment/web", "-o", "jsonpath={.spec.template.spec.containers[0].image}");
  const pinned = async (variant: "good1" | "good2"): Promise<string> => {
    const { repository, digest } = await images.identity(variant);
    return `${repository}@${digest}`;
  };

  it.for(REFUSING)("of an object that $tool holds are refused", async (owner) => {
    await deployThenMark(owner);
    const refused = await roll(stand, await releaseOf(images, { web: "good2" }));
    expect(refused, refused.log).toMatchObject({ outcome: "refused" });
    expectOwner(refused, owner);
    expect(await image()).toBe(await pinned("good1"));
  });

  it.for(WARNING)("of an object that $tool holds are applied, with a warning", async (owner) => {
    await deployThenMark(owner);
    const good = await roll(stand, await releaseOf(images, { web: "good2" }));
    expect(good, good.log).toMatchObject({ outcome: "succeeded" });
    expectOwner(good, owner);
    expect(await image()).toBe(await pinned("good2"));
  });
});
