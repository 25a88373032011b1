import type { ApplicationSettings, ServiceSettings } from "@belay/config";
import { BelayError, type Digest, type ImageIdentity, type Log, parseReference, type Source } from "@belay/core";

/** What of a build's options tells which services it is about. */
export interface ServiceChoice {
  readonly application: ApplicationSettings;
  readonly source: Source;
  /** Names of services; default all. */
  readonly services?: readonly string[];
  /** Builds a tree with changes that no commit holds, and labels and tags the images so. Default false. */
  readonly allowDirty?: boolean;
  /** Digest that a registry serves under a reference with a tag: for services that are not built here. */
  readonly resolveDigest?: (reference: string) => Promise<Digest | undefined>;
}

/** Services by name, those to be built and those that are not. */
export type Chosen = readonly (readonly [string, ServiceSettings])[];

/** @throws BelayError INVALID_INPUT for a service that there is not */
export function chooseServices({ application, services }: ServiceChoice): Chosen {
  const names = services ?? Object.keys(application.services);
  return names.map((name) => {
    const service = application.services[name];
    if (service !== undefined) return [name, service] as const;
    const next = `Legal values: ${Object.keys(application.services).join(", ")}.`;
    throw new BelayError("INVALID_INPUT", { doing: "choosing what to build", got: `no service \`${name}\``, next });
  });
}

/** @throws BelayError DIRTY_TREE */
export function refuseDirty({ source, allowDirty }: ServiceChoice, chosen: Chosen): void {
  // Nothing of the tree gets into an image that was built and saved before.
  const isBuilt = ({ build }: ServiceSettings): boolean => build !== undefined && build.archive === undefined;
  if (source.dirty !== true || allowDirty === true || !chosen.some(([, service]) => isBuilt(service))) return;
  throw new BelayError("DIRTY_TREE", {
    doing: "looking at the work tree before the build",
    got: `there are changes in the build contexts that commit ${source.revision.slice(0, 12)} does not hold`,
    next: "`git status` lists them. Commit, ignore or remove them; or allow it (`allow-dirty: true`), and the images say so.",
  });
}

/** What can be said about a service before it is known how it will be built. @throws BelayError INVALID_INPUT */
export function checkService(name: string, service: ServiceSettings): void {
  const doing = `reading services.${name}`;
  const refuse = (got: string, next: string): never => {
    throw new BelayError("INVALID_INPUT", { doing, got, next });
  };
  if (service.image === undefined) refuse("it has no `image`", "Say where the image lives: `image: ghcr.io/you/name`.");
  const reference = referenceOf(service);
  if (service.build === undefined) return;
  if (reference.tag !== undefined || reference.digest !== undefined) {
    refuse(`its image ${service.image} has a tag or digest`, "Leave it away: Belay tags what it builds by its commit.");
  }
}

/** Arguments whose names say that their values are secrets; BuildKit's own checks look for such names too. */
const SECRET_NAME = /(?:^|_)(?:TOKEN|PASSWORD|PASSWD|SECRET|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)$/i;

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

export function warnOfSecretArguments(log: Log, chosen: Chosen): void {
  for (const [name, { build }] of chosen) {
    const found = Object.keys(build?.args ?? {}).filter(isSecretName);
    if (found.length === 0) continue;
    const names = found.join(", ");
    log.warn(
      `services.${name}.build.args has ${names}: everybody who has the image can read it. Use \`secrets\` and RUN --mount=type=secret.`,
    );
  }
}

/** @throws BelayError INVALID_INPUT */
export function referenceOf(service: ServiceSettings): NonNullable<ReturnType<typeof parseReference>> {
  const reference = parseReference(service.image ?? "");
  if (reference !== undefined) return reference;
  const image = service.image ?? "";
  const lower = image.toLowerCase();
  throw new BelayError("INVALID_INPUT", {
    doing: "reading the name of an image",
    got: `${JSON.stringify(image)} is no image name`,
    next: parseReference(lower) === undefined ? "Write registry/path/name." : `Names are lower case: write ${lower}.`,
  });
}

/** A service that is not built here, by its digest. @throws BelayError INVALID_INPUT without one */
export async function pinService(
  name: string,
  service: ServiceSettings,
  resolveDigest: ServiceChoice["resolveDigest"],
): Promise<[string, ImageIdentity]> {
  const { repository, tag, digest: written } = referenceOf(service);
  const digest = written ?? (await resolveDigest?.(`${repository}:${tag ?? "latest"}`));
  if (digest === undefined) {
    throw new BelayError("INVALID_INPUT", {
      doing: `reading services.${name}`,
      got: `its image ${service.image} is not built here and no registry gives a digest for it`,
      next: "Pin it (`repository@sha256:…`), correct its name, or add `build`.",
    });
  }
  return [name, { repository, platforms: {}, digest, tags: tag === undefined ? [] : [tag] }];
}
