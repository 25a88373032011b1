import { type Finding, messageOf, type RolloutPolicy } from "@belay/core";
import { type Docker, type EngineInfo, type ImageInspect, isNotFound } from "@belay/docker";
import { isLive } from "../containers/compose-container.ts";
import type { ImageCache } from "../containers/image-digests.ts";
import type { ComposeTargetOptions } from "../files/compose-options.ts";
import { resourceName } from "../files/compose-project.ts";
import { isBrought, isTouched, type PlanContents, type PlannedService } from "./plan-detail.ts";

/** Checks that ask the engine or a registry. */
export async function preflight(
  plan: PlanContents,
  policy: RolloutPolicy,
  options: Pick<ComposeTargetOptions, "docker" | "imageAvailable">,
  images: ImageCache,
): Promise<Finding[]> {
  const touched = plan.services.filter(isTouched);
  const found = await Promise.all([
    ...plan.services.filter(isBrought).map((one) => newImage(one, options)),
    ...touched.map((one) => wayBack(one, policy, options, images)),
    missingResources(plan, touched, options.docker),
  ]);
  return found.flat();
}

async function newImage(
  one: PlannedService,
  { docker, imageAvailable }: Pick<ComposeTargetOptions, "docker" | "imageAvailable">,
): Promise<Finding[]> {
  if ((await hasImage(docker, one.image)) || imageAvailable === undefined) return [];
  const answer = await imageAvailable(one.image);
  if (answer === "yes") return [];
  if (answer === "no") {
    const message = `the registry has no image ${one.image}`;
    const remedy = "Push it first, or check the repository's name.";
    return [{ level: "refuse", check: "image_missing", service: one.service, message, remedy }];
  }
  const message = `whether the registry has ${one.image} could not be found out from here`;
  return [{ level: "cannot tell", check: "image_missing", service: one.service, message }];
}

export async function hasImage(docker: Docker, reference: string): Promise<boolean> {
  try {
    await docker.images.inspect(reference);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** An old image that can't be had again makes the old containers the only way back, until they are removed. */
async function wayBack(
  one: PlannedService,
  policy: RolloutPolicy,
  { imageAvailable }: Pick<ComposeTargetOptions, "imageAvailable">,
  images: ImageCache,
): Promise<Finding[]> {
  const old = one.current.find(isLive);
  if (old === undefined) return [];
  const reference = old.inspect.Config.Image ?? "";
  const image = await images.find(old.inspect.Image);
  if (image !== undefined) return localImage(one.service, reference, image);
  const answer = (await imageAvailable?.(reference)) ?? "cannot tell";
  if (answer === "yes") return [];
  const where = answer === "no" ? "nor in its registry" : "and its registry could not be asked";
  return [
    {
      level: policy.allowNoWayBack ? "warn" : answer === "no" ? "refuse" : "cannot tell",
      check: "no_way_back",
      service: one.service,
      message: `the image that runs now (${reference}) is neither on the engine ${where}`,
      remedy: "Push it again, or set `allow-no-way-back`.",
    },
  ];
}

/**
 * An image that was built or loaded here: the engine knows no registry that has it. With the containerd store it does not tell, since
 * each image has a digest there.
 */
function localImage(service: string, reference: string, { RepoDigests }: ImageInspect): Finding[] {
  if (reference.includes("@") || (RepoDigests ?? []).length > 0) return [];
  const message = `the image that runs now (${reference}) was built or loaded on this engine, and no registry is known to have it: once it is pruned there, nothing brings it back`;
  const remedy = "Push it, or prune no images there until there is no need to go back to it any more.";
  return [{ level: "warn", check: "local_image", service, message, remedy }];
}

async function missingResources(
  plan: PlanContents,
  touched: readonly PlannedService[],
  docker: Docker,
): Promise<Finding[]> {
  const external = touched.flatMap((one) => {
    const service = plan.project.services[one.name] ?? {};
    const networks = Object.keys(service.networks ?? {}).filter((key) => plan.project.networks?.[key]?.external);
    const volumes = (service.volumes ?? []).flatMap((mount) =>
      mount.type === "volume" && mount.source && plan.project.volumes?.[mount.source]?.external ? [mount.source] : [],
    );
    return [
      ...networks.map((key) => ({ one, kind: "networks" as const, name: resourceName(plan.project, "networks", key) })),
      ...volumes.map((key) => ({ one, kind: "volumes" as const, name: resourceName(plan.project, "volumes", key) })),
    ];
  });
  const found = await Promise.all(
    external.map(async ({ one, kind, name }): Promise<Finding[]> => {
      try {
        await docker[kind].inspect(name);
        return [];
      } catch (error) {
        if (!isNotFound(error)) throw error;
        const what = kind === "networks" ? "network" : "volume";
        const message = `the external ${what} ${name} does not exist (${messageOf(error)})`;
        const remedy = `Create it: docker ${what} create ${name}`;
        return [{ level: "refuse", check: `${what}_missing`, service: one.service, message, remedy }];
      }
    }),
  );
  return found.flat();
}

/** An image without a variant for the engine's platform would fail at the start with "exec format error". */
export function platformFindings(
  plan: PlanContents,
  platforms: Readonly<Record<string, readonly string[]>>,
  info: EngineInfo,
): Finding[] {
  const architecture = ARCHITECTURES[info.Architecture] ?? info.Architecture;
  const own = `${info.OSType}/${architecture}`;
  return plan.services.filter(isTouched).flatMap((one): Finding[] => {
    const built = platforms[one.service] ?? [];
    if (built.length === 0 || built.some((platform) => platform === own || platform.startsWith(`${own}/`))) return [];
    const message = `its image is built for ${built.join(", ")}, and the engine is ${own}`;
    const remedy = "Build for the engine's platform too (`build.platforms`).";
    return [{ level: "refuse", check: "wrong_platform", service: one.service, message, remedy }];
  });
}

/** The kernel's names and Go's (as the engine's own `platforms` package maps them). */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  aarch64: "arm64",
  armv7l: "arm",
  i686: "386",
};
