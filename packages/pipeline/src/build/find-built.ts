import type { ApplicationSettings } from "@belay/config";
import { isBelayError, type Release, type Source } from "@belay/core";
import { imageTags } from "@belay/images";
import { findRelease, type RegistryClient } from "@belay/registry";
import type { PipelineContext } from "../run/context.ts";
import { refuseOtherPlatforms } from "./refuse-other-platforms.ts";

/**
 * The release of this very commit, when it was built, tested and pushed before: then nothing is built again, because a
 * second build of one commit has other bytes, and a SHA tag is never moved. `undefined` when there is none, when it has
 * other services than the configuration now, or when the registry does not answer (the push will tell).
 * @throws BelayError TAG_TAKEN when it lacks a platform that is asked for now
 */
export async function findBuilt(
  context: PipelineContext,
  registry: RegistryClient,
  application: ApplicationSettings,
  source: Source,
): Promise<Release | undefined> {
  const [tag] = imageTags(source);
  const first = Object.values(application.services).find((service) => service.build !== undefined)?.reference;
  if (source.dirty === true || tag === undefined || first === undefined) return undefined;
  try {
    const found = await findRelease(registry, `${first.repository}:${tag}`, context.log);
    if (found === undefined || !fits(found.release, application, source)) return undefined;
    refuseOtherPlatforms(found.release, application);
    return found.release;
  } catch (error) {
    if (!isBelayError(error, "REGISTRY_UNREACHABLE", "REGISTRY_UNAUTHORISED", "REGISTRY_ERROR")) throw error;
    context.log.debug(`no earlier release of this commit could be looked for: ${error.message}`);
    return undefined;
  }
}

function fits(release: Release, application: ApplicationSettings, source: Source): boolean {
  const tested: readonly string[] = release.evidence.tests?.passed ?? [];
  const services = Object.entries(application.services);
  return (
    release.application === application.application &&
    release.source.revision === source.revision &&
    Object.keys(release.services).length === services.length &&
    services.every(([name, { build, reference }]) => {
      const same = release.services[name]?.repository === reference?.repository;
      return same && (build?.testTarget === undefined || tested.includes(name));
    })
  );
}
