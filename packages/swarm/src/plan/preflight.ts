import type { Finding } from "@belay/core";
import { isSameImage } from "./desire-existing.ts";
import type { Circumstances } from "./findings.ts";
import type { PlannedService } from "./plan-detail.ts";

/** Checks that ask the engine or a registry about images. */
export async function preflight(touched: readonly PlannedService[], circumstances: Circumstances): Promise<Finding[]> {
  const found = await Promise.all(
    touched.flatMap((one) => [newImage(one, circumstances), wayBack(one, circumstances)]),
  );
  return found.flat();
}

async function newImage(one: PlannedService, circumstances: Circumstances): Promise<Finding[]> {
  const { service, image, action, current } = one;
  if (action === "remove" || isSameImage(current?.Spec.TaskTemplate.ContainerSpec?.Image ?? "", image)) return [];
  const answer = await circumstances.images.availability(image);
  if (answer === "yes" || answer === undefined) return [];
  if (answer === "no") {
    const message = `the registry has no image ${image}`;
    const remedy = "Push it first, or check the repository's name.";
    return [{ level: "refuse", check: "image_missing", service, message, remedy }];
  }
  const message = `whether the registry has ${image} could not be found out from here`;
  return [{ level: "cannot tell", check: "image_missing", service, message }];
}

/** A task of the old release may be started on any node, so its image must be at the registry or on all of them. */
async function wayBack(one: PlannedService, circumstances: Circumstances): Promise<Finding[]> {
  const image = one.current?.Spec.TaskTemplate.ContainerSpec?.Image;
  if (image === undefined || isSameImage(image, one.image)) return [];
  const answer = await circumstances.images.availability(image);
  if (answer === "yes" || answer === undefined) return [];
  const where = answer === "no" ? "is no longer at its registry" : "may be gone: its registry could not be asked";
  return [
    {
      level: circumstances.policy.allowNoWayBack ? "warn" : answer === "no" ? "refuse" : "cannot tell",
      check: "no_way_back",
      service: one.service,
      message: `the image that runs now (${image}) ${where}`,
      remedy: "Push it again, or set `allow-no-way-back`.",
    },
  ];
}
