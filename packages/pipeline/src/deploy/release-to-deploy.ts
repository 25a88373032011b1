import { existsSync } from "node:fs";
import type { ServiceSettings, Settings } from "@belay/config";
import {
  BelayError,
  createRelease,
  type ImageIdentity,
  parseReference,
  type Release,
  readRelease,
  type Source,
} from "@belay/core";
import { findRelease, type RegistryClient } from "@belay/registry";
import { engineAskedFor, withRegistry } from "../access/with-registry.ts";
import type { PipelineContext } from "../run/context.ts";
import { releasePath } from "../run/places.ts";
import type { CommonInputs } from "../run/use-case-inputs.ts";
import { releaseOfRun } from "./release-of-run.ts";

/**
 * The release that a deployment is about. The input `release` is a path, `run:<id>` (the artifact of a run), or an image
 * that a release was attached to; without it the file of the step before; without that file the images of the settings.
 * @throws BelayError RELEASE_INVALID, INVALID_INPUT
 */
export async function releaseToDeploy(
  context: PipelineContext,
  inputs: CommonInputs,
  settings: Settings,
): Promise<Release> {
  const release = await find(context, inputs, settings);
  const wrong = mismatch(release, settings);
  if (wrong === undefined) return release;
  throw new BelayError("RELEASE_INVALID", { doing: "reading the release", ...wrong });
}

/** The configuration says what may be deployed and from where; a release can only fill in which image of it. */
function mismatch(release: Release, settings: Settings): { got: string; next: string } | undefined {
  const { application, services } = settings;
  if (release.application !== application) {
    const got = `it is of the application ${JSON.stringify(release.application)}, and ${application} is to be deployed`;
    return { got, next: "Give the release of this application." };
  }
  for (const [name, image] of Object.entries(release.services)) {
    const service = services[name];
    if (service === undefined) {
      const next = "Add the service, or give a release of this configuration.";
      return { got: `it has a service ${JSON.stringify(name)} that the configuration does not know`, next };
    }
    const wanted = service.reference?.repository;
    if (wanted !== undefined && wanted !== image.repository) {
      const next = "Give a release of this configuration, or correct `image`.";
      return { got: `its image of ${name} is ${image.repository}, and the configuration says ${wanted}`, next };
    }
    const pinned = service.build === undefined ? service.reference?.digest : undefined;
    if (pinned !== undefined && pinned !== image.digest) {
      const next = "Build a release of this configuration (with this environment), or correct `image`.";
      return { got: `its image of ${name} is ${image.digest}, and the configuration pins ${pinned}`, next };
    }
  }
  return undefined;
}

async function find(context: PipelineContext, inputs: CommonInputs, settings: Settings): Promise<Release> {
  const given = inputs.release;
  if (given?.startsWith("run:")) return releaseOfRun(context, inputs.githubToken, given.slice("run:".length));
  const path = releasePath(context, inputs);
  const image = given === undefined || existsSync(path) ? undefined : parseReference(given);
  if (given !== undefined && (image?.tag ?? image?.digest) !== undefined) {
    return withRegistry(context, inputs, engineAskedFor(settings), (registry) =>
      attachedRelease(context, registry, given),
    );
  }
  const named = Object.values(settings.services).every(
    (service) => service.build === undefined && service.reference !== undefined,
  );
  if (given === undefined && !existsSync(path) && named) {
    return withRegistry(context, inputs, engineAskedFor(settings), (registry) =>
      externalRelease(context, registry, settings),
    );
  }
  return readRelease(path);
}

async function attachedRelease(
  context: PipelineContext,
  registry: RegistryClient,
  reference: string,
): Promise<Release> {
  const found = await findRelease(registry, reference, context.log);
  if (found !== undefined) return found.release;
  throw new BelayError("RELEASE_INVALID", {
    doing: `looking for the release of ${reference}`,
    got: "the registry has no such image, or no release was attached to it",
    next: "Push it with Belay's push step, which attaches the release.",
  });
}

/** A release of images that somebody else built: what is known of their source are labels, which anybody can write. */
async function externalRelease(
  context: PipelineContext,
  registry: RegistryClient,
  settings: Settings,
): Promise<Release> {
  const entries = await Promise.all(
    Object.entries(settings.services).map(async ([name, service]) => ({
      name,
      ...(await externalImage(registry, name, service)),
    })),
  );
  const labelled = entries.find((entry) => entry.source !== undefined)?.source;
  return createRelease({
    stage: "external",
    application: settings.application,
    source: labelled ?? { repository: "", revision: "unknown" },
    services: Object.fromEntries(entries.map((entry) => [entry.name, entry.image])),
    evidence: {},
    unverified: true,
    createdAt: context.clock.date().toISOString(),
  });
}

async function externalImage(
  registry: RegistryClient,
  name: string,
  service: ServiceSettings,
): Promise<{ image: ImageIdentity; source?: Source }> {
  const doing = `looking for the image of ${name}`;
  const reference = service.image ?? "";
  const resolved = await registry.resolve(reference);
  if (resolved === undefined) {
    throw new BelayError("INVALID_INPUT", {
      doing,
      got: `the registry has no ${reference}`,
      next: "Push it first, or correct its name.",
    });
  }
  const { repository, digest, platforms, index } = resolved;
  const image = { repository, digest, platforms, tags: [], ...(index === undefined ? {} : { index }) };
  const [platform] = Object.values(platforms);
  const config = platform?.config === undefined ? undefined : await registry.blob(repository, platform.config);
  const source = config === undefined ? undefined : labelledSource(config.toString("utf8"));
  return { image, ...(source === undefined ? {} : { source }) };
}

/** Labels of the OCI image spec ("Pre-Defined Annotation Keys"), from the image's config. */
function labelledSource(config: string): Source | undefined {
  const labels = (JSON.parse(config) as { config?: { Labels?: Record<string, string> | null } }).config?.Labels ?? {};
  const label = (key: string): string | undefined => labels[`org.opencontainers.image.${key}`];
  const [repository, revision, author, title] = ["source", "revision", "authors", "title"].map(label);
  if (revision === undefined) return undefined;
  const more = { ...(author === undefined ? {} : { author }), ...(title === undefined ? {} : { title }) };
  return { repository: repository ?? "", revision, ...more };
}
