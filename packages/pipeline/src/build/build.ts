import { isAbsolute } from "node:path";
import type { ApplicationSettings } from "@belay/config";
import { type Digest, isOwn, type Release, type TestCounts, writeRelease } from "@belay/core";
import {
  type BuildImagesOptions,
  buildImages,
  type ChangedInputs,
  changedInputs,
  clearLayout,
  imageInputs,
  pinChanged,
  readCheckout,
  refuseClearedArchives,
  renamedImages,
  retagRelease,
  warnOfChangedInputs,
} from "@belay/images";
import type { RegistryClient } from "@belay/registry";
import { forgetScanSummary } from "../report/scan-told.ts";
import { addStages, timedStage } from "../report/stages.ts";
import { withFailureReport } from "../report/with-failure-report.ts";
import type { PipelineContext } from "../run/context.ts";
import type { GitHubRun } from "../run/github-of.ts";
import { layoutPath, releasePath } from "../run/places.ts";
import { applicationOf } from "../run/settings-of.ts";
import type { BuildInputs } from "../run/use-case-inputs.ts";
import { isForeign, requireTrusted } from "../trust/require-trusted.ts";
import { BuildTools } from "./build-tools.ts";
import { findBuilt } from "./find-built.ts";

export interface Built {
  readonly release: Release;
  readonly releasePath: string;
}

/**
 * Builds the commit that is checked out, tests first, and writes its release.
 * @throws BelayError DIRTY_TREE, SOURCE_UNKNOWN, TAG_TAKEN, TESTS_FAILED, BUILD_FAILED, and what the configuration throws;
 *   each is written into the report too, so that the step `report` can tell it.
 */
export function build(context: PipelineContext, inputs: BuildInputs): Promise<Built> {
  return withFailureReport(context, inputs, false, async (facts, run) => {
    const application = await applicationOf(context, inputs);
    facts.application = application.application;
    const tools = new BuildTools(context, inputs, application);
    try {
      // While git is asked; for code of others only once it is accepted.
      if (run === undefined || !isForeign(run, OWN_CHECKOUT)) tools.open();
      const { source, ...checkout } = await checkoutOf(context, application, run);
      facts.source = source;
      await requireTrusted(run, { doing: "building", source, ...OWN_CHECKOUT });
      await forgetScanSummary(context);
      const release = await buildFrom(context, inputs, { application, source, ...checkout, tools, ...eventOf(run) });
      const path = releasePath(context, inputs);
      await writeRelease(path, release);
      return { release, releasePath: path };
    } finally {
      await tools.close();
    }
  });
}

const OWN_CHECKOUT = { checkedOut: true, withoutSecrets: true } as const;

function checkoutOf(
  context: PipelineContext,
  application: ApplicationSettings,
  run: GitHubRun | undefined,
): ReturnType<typeof readCheckout> {
  const built = Object.values(application.services).flatMap(({ build }) =>
    build === undefined || build.archive !== undefined ? [] : [build],
  );
  const paths = built.flatMap((one) => [one.context, ...(one.dockerfile === undefined ? [] : [one.dockerfile])]);
  // Others are addresses, images or stages.
  const folders = built.flatMap(({ contexts = {} }) => Object.values(contexts).filter((one) => isAbsolute(one)));
  return readCheckout({
    workingDirectory: application.directory,
    env: context.env,
    runner: context.runner,
    paths,
    otherPaths: folders,
    ...(run === undefined ? {} : { event: run.event }),
  });
}

/** What rules for tags may speak of. */
function eventOf(run: GitHubRun | undefined): Pick<BuildImagesOptions, "event"> {
  if (run === undefined) return {};
  const { name, defaultBranch, pullRequest, workflowSha } = run.event;
  const base = pullRequest?.baseRef === undefined ? {} : { baseRef: pullRequest.baseRef };
  const sha = workflowSha === undefined ? {} : { workflowSha };
  return { event: { name, ...(defaultBranch === undefined ? {} : { defaultBranch }), ...base, ...sha } };
}

interface BuildWork extends Pick<BuildImagesOptions, "application" | "source" | "event"> {
  readonly tools: BuildTools;
  /** The repository's folder. */
  readonly top?: string;
}

async function buildFrom(
  context: PipelineContext,
  inputs: BuildInputs,
  { tools, top, ...what }: BuildWork,
): Promise<Release> {
  const { application, source } = what;
  const { redactor, signal, clock, runner, log } = context;
  const { engine, client, builder } = await tools.open();
  const { allowDirty, maxParallel } = inputs;
  const resolveDigest = async (reference: string): Promise<Digest | undefined> =>
    (await client.resolve(reference))?.digest;
  const path = releasePath(context, inputs);
  const layoutOf = (service: string): string => layoutPath(path, service);
  const onSecret = (value: string): void => redactor.add(value);
  const how = { docker: engine, builder, layoutOf, onSecret, allowDirty, maxParallel, resolveDigest };
  const options = { ...what, runner, log, clock, signal, ...how };
  const work = async (): Promise<Release> => {
    await refuseClearedArchives(application, layoutOf);
    const [earlier, asked] = await Promise.all([
      findBuilt(context, client, application, source),
      imageInputs({ application, revision: source.revision, runner, redactor, ...(top && { top }) }),
    ]);
    // Nobody may take what an earlier run left there for an image of this release.
    await Promise.all(Object.keys(application.services).map((service) => clearLayout(layoutOf(service))));
    if (earlier === undefined) return buildImages({ ...options, inputs: asked });
    const blob: RegistryClient["blob"] = (name, digest) => client.blob(name, digest);
    const [pinned, renamed] = await Promise.all([
      pinChanged(earlier, application, resolveDigest),
      renamedImages({ earlier, application, docker: engine, log, blob }),
    ]);
    const changed = withRenamed(changedInputs(earlier, asked), renamed);
    const release = retagRelease(earlier, { ...options, changed, pinned });
    const commit = source.revision.slice(0, 12);
    const how = release === earlier ? "as it is" : `with the tags of now: ${describeTags(release)}`;
    log.info(`Commit ${commit} was built, tested and pushed before: its release is taken ${how}.`);
    for (const [name, { repository, digest }] of Object.entries(pinned))
      log.info(`${name}: the settings name another image than that release did: ${repository}@${digest} is taken.`);
    warnOfChangedInputs(log, release, changed);
    return release;
  };
  const release = await timedStage(context, "build", work, describeBuild);
  await addTestStage(context, release);
  return release;
}

/** Of an image that is taken its name counts, and what has the name. */
function withRenamed(changed: ChangedInputs, renamed: readonly string[]): ChangedInputs {
  const from = renamed.map((name) => [name, [...new Set([...(changed[name] ?? []), "from"])].sort()] as const);
  return { ...changed, ...Object.fromEntries(from) };
}

function describeBuild({ services, evidence }: Release): string {
  return Object.entries(services)
    .map(([name, image]) => {
      const changed = evidence.build?.changed?.[name];
      const told = changed === undefined ? "" : ` (as built before, from other inputs: ${changed.join(", ")})`;
      return `${name} ${image.tags[0] ?? image.digest ?? ""}${told}`;
    })
    .join(", ");
}

function describeTags({ services }: Release): string {
  return Object.entries(services)
    .filter(([, image]) => isOwn(image))
    .map(([name, { tags }]) => `${name} ${tags.join(", ")}`)
    .join("; ");
}

/** The tests ran inside the build; that they did, and passed, is told as a stage of its own. */
async function addTestStage(context: PipelineContext, release: Release): Promise<void> {
  const { passed = [], reports = {} } = release.evidence.tests ?? {};
  const names = [...new Set([...passed, ...Object.keys(reports)])].sort();
  const described = names.map((name) => describeTests(name, reports[name]));
  const durationMs = Object.values(reports).reduce((sum, one) => sum + one.durationMs, 0);
  const stage =
    names.length === 0
      ? ({ state: "skipped", detail: "no test target" } as const)
      : ({ state: "passed", detail: described.join(", ") } as const);
  await addStages(context, [{ name: "test", durationMs, ...stage }]);
}

/** `web (212 passed, 3 skipped)`; without reports only the name is known. */
function describeTests(name: string, counts: TestCounts | undefined): string {
  if (counts === undefined) return name;
  const { tests, failed, skipped } = counts;
  return `${name} (${tests - failed - skipped} passed${skipped === 0 ? "" : `, ${skipped} skipped`})`;
}
