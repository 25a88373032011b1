import { loadConfig, type Settings } from "@belay/config";
import { BelayError, toBelayError } from "@belay/core";
import {
  chooseImages,
  freedBytes,
  type ImageChoice,
  type RegistryClient,
  readRepository,
  withNewNeeds,
  withoutNewNames,
} from "@belay/registry";
import { engineAskedForAll, withRegistry } from "../access/with-registry.ts";
import type { PipelineContext } from "../run/context.ts";
import { settingsOf } from "../run/settings-of.ts";
import { requireTrustedCheckout } from "../trust/require-trusted-checkout.ts";
import { deleteAtGitHub, gitHubPackage } from "./delete-at-github.ts";
import { deleteImages } from "./delete-images.ts";
import type { LookAgain } from "./fresh-choices.ts";
import { neededImages } from "./needed-images.ts";
import type { PruneInputs } from "./prune-inputs.ts";

export interface PrunedRepository {
  readonly repository: string;
  readonly choices: readonly ImageChoice[];
  /** At the most, in bytes; registries free it when they collect their garbage. */
  readonly freed: number;
  /** Manifests that were deleted: images, their platforms, and what hung on them. 0 in a dry run. */
  readonly deleted: number;
}

export interface Pruned {
  readonly dryRun: boolean;
  readonly environments: readonly string[];
  readonly repositories: readonly PrunedRepository[];
}

/**
 * Deletes images of commits that no environment needs any more from their repositories. It asks the ledger and the target
 * of every environment of belay.yaml first, and again while it deletes; when one of them can't be read, nothing more is deleted.
 * @throws BelayError INVALID_INPUT, CONFIG_NOT_FOUND, REGISTRY_*, and what a target throws
 */
export async function prune(context: PipelineContext, inputs: PruneInputs): Promise<Pruned> {
  // A belay.yaml of somebody else could leave out the environment that needs an image.
  await requireTrustedCheckout(context, inputs, "pruning");
  const environments = await environmentsOf(context, inputs);
  const all: Settings[] = [];
  const repositories = new Set<string>();
  for (const environment of environments) {
    const settings = await settingsOf(context, { ...inputs, environment }, "given");
    all.push(settings);
    const built = Object.values(settings.services).filter(({ build }) => build !== undefined);
    for (const { reference } of built) if (reference !== undefined) repositories.add(reference.repository);
  }
  const needs = () => neededInAny(context, all, inputs.githubToken);
  const needed = await neededInAny(context, all, inputs.githubToken, (environment) =>
    tellUnknown(context, environment),
  );
  const engine = engineAskedForAll(all);
  if (engine === undefined) return { dryRun: inputs.dryRun, environments, repositories: [] };
  return withRegistry(context, inputs, engine, async (registry) => {
    const done: PrunedRepository[] = [];
    for (const repository of [...repositories].sort()) {
      done.push(await pruneRepository(context, registry, repository, { ...inputs, needed, needs }));
    }
    return { dryRun: inputs.dryRun, environments, repositories: done };
  });
}

/** @throws what the first environment throws that can't be read, with its name: then nobody knows what is needed */
async function neededInAny(
  context: PipelineContext,
  environments: readonly Settings[],
  githubToken: string,
  onUnknown: (environment: string) => void = () => undefined,
): Promise<ReadonlyMap<string, string>> {
  const needed = new Map<string, string>();
  for (const settings of environments) {
    const { digests, recorded } = await neededImages(context, settings, githubToken).catch((error: unknown): never => {
      throw inEnvironment(settings.environment, toBelayError(error, "reading its ledger"));
    });
    if (!recorded) onUnknown(settings.environment);
    for (const [digest, why] of digests) needed.set(digest, why);
  }
  return needed;
}

/** It may be new; it may also be looked for in the wrong place. */
function tellUnknown({ log }: PipelineContext, environment: string): void {
  log.warn(
    `The target of ${environment} has no record of a deployment: no image stays for going back there. If there were deployments, belay.yaml names another place.`,
  );
}

/** Of several environments, which one it is. */
function inEnvironment(environment: string, error: BelayError): BelayError {
  const { code, doing, got, next, service } = error;
  const named = `asking ${environment} what it needs (${doing})`;
  const renamed = new BelayError(code, { doing: named, got, cause: error, ...(next === undefined ? {} : { next }) });
  renamed.service = service;
  return renamed;
}

/** All of them, whatever the input `environment` says: an image is needed by whoever needs it. */
async function environmentsOf(context: PipelineContext, inputs: PruneInputs): Promise<readonly string[]> {
  const file = await loadConfig(inputs.config, { workingDirectory: context.workingDirectory });
  const names = file?.environments ?? [];
  if (names.length > 0) return names;
  throw new BelayError("CONFIG_NOT_FOUND", {
    doing: "looking for what is needed",
    got: file === undefined ? "there is no belay.yaml" : "belay.yaml has no environments",
    next: "Describe every environment that the images run in: whatever is missing there would be deleted.",
  });
}

interface Pruning extends PruneInputs {
  readonly needed: ReadonlyMap<string, string>;
  /** Asks all environments again. */
  readonly needs: () => Promise<ReadonlyMap<string, string>>;
}

async function pruneRepository(
  context: PipelineContext,
  registry: RegistryClient,
  repository: string,
  { needed, needs, last, keepYoungerMs, dryRun, githubRegistry, githubToken }: Pruning,
): Promise<PrunedRepository> {
  const { log, signal, clock } = context;
  const images = await readRepository(registry, repository, log, signal);
  const youngerThan = keepYoungerMs === 0 ? {} : { youngerThan: new Date(clock.date().getTime() - keepYoungerMs) };
  const choices = chooseImages({ images, needed, last, ...youngerThan });
  for (const { image, keep, why } of choices) {
    const verb = keep ? "stays" : dryRun ? "would go" : "goes";
    log.info(`${repository}@${image.digest} (${image.tags.join(", ")}) ${verb}: ${why}.`);
  }
  const freed = freedBytes(choices);
  if (dryRun) return { repository, choices, freed, deleted: 0 };
  const look: LookAgain = async (now) =>
    withoutNewNames(registry, repository, withNewNeeds(now, await needs()), signal);
  const place = gitHubPackage(repository, githubRegistry, context.env);
  const done =
    place === undefined
      ? await deleteImages(context, registry, repository, choices, look)
      : await deleteAtGitHub(context, githubToken, place, choices, look);
  tellKept(context, repository, choices, done.choices);
  return { repository, ...done, freed: freedBytes(done.choices) };
}

/** What was to go and stays. */
function tellKept(
  { log }: PipelineContext,
  repository: string,
  before: readonly ImageChoice[],
  after: readonly ImageChoice[],
): void {
  const going = new Set(before.filter(({ keep }) => !keep).map(({ image }) => image.digest));
  for (const { image, keep, why } of after) {
    if (keep && going.has(image.digest)) log.info(`${repository}@${image.digest} stays after all: ${why}.`);
  }
}
