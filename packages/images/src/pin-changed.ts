import type { ApplicationSettings } from "@belay/config";
import { type ImageIdentity, isOwn, type Release } from "@belay/core";
import { pinService, referenceOf, type ServiceChoice } from "./check-services.ts";

/**
 * Images of others that the settings name now in another way than when the earlier release was built: another tag, or another
 * digest. One of the same name stays what it was: a commit that is deployed again gets what was proven with it. So does one
 * whose digest the settings no longer write down, only the tag beside it: what the tag had then, and has now, is another question.
 * @throws BelayError INVALID_INPUT when no digest is known for one
 */
export async function pinChanged(
  earlier: Release,
  application: ApplicationSettings,
  resolveDigest: ServiceChoice["resolveDigest"],
): Promise<Readonly<Record<string, ImageIdentity>>> {
  const outside = Object.entries(application.services).filter(([name, service]) => {
    const image = earlier.services[name];
    if (service.build !== undefined || image === undefined || isOwn(image)) return false;
    const { tag, digest } = referenceOf(service);
    return digest === undefined ? image.tags[0] !== tag : image.digest !== digest;
  });
  return Object.fromEntries(
    await Promise.all(outside.map(([name, service]) => pinService(name, service, resolveDigest))),
  );
}
