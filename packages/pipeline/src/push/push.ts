import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ScanSettings } from "@belay/config";
import {
  BelayError,
  isBelayError,
  isOwn,
  messageOf,
  pinnedReference,
  type Release,
  readRelease,
  refuseLinkedFolders,
  scanEvidence,
  toBelayError,
  writeRelease,
} from "@belay/core";
import type { Docker } from "@belay/docker";
import { attachRelease, pushRelease } from "@belay/registry";
import { type EngineOnDemand, withEngine } from "../access/engine-on-demand.ts";
import { registryAccess } from "../access/registry-access.ts";
import { keepScanSummary, offSummary, SCAN_OFF } from "../report/scan-told.ts";
import { addStages, readStages, timedStage } from "../report/stages.ts";
import { withFailureReport } from "../report/with-failure-report.ts";
import type { PipelineContext } from "../run/context.ts";
import { layoutPath, releasePath } from "../run/places.ts";
import { scanSettingsOf } from "../run/settings-of.ts";
import type { PushInputs } from "../run/use-case-inputs.ts";
import { withinDeadline } from "../run/within-deadline.ts";
import { requireTrusted } from "../trust/require-trusted.ts";
import { attachScan } from "./attach-scan.ts";
import { requireScanned } from "./require-scanned.ts";

export interface Pushed {
  readonly release: Release;
  readonly releasePath: string;
}

/**
 * Pushes the images of the release and writes the next release, with the identity that the registry gave back.
 * @throws BelayError INVALID_INPUT, RELEASE_INVALID, NOT_SCANNED, PUSH_FAILED, TAG_TAKEN, IDENTITY_MISMATCH, REGISTRY_*; written into the report too.
 */
export function push(context: PipelineContext, inputs: PushInputs): Promise<Pushed> {
  return withFailureReport(context, inputs, false, async (facts, run) => {
    const path = releasePath(context, inputs);
    const built = await readRelease(path);
    facts.application = built.application;
    facts.source = built.source;
    await requireTrusted(run, { doing: "pushing", source: built.source, withoutSecrets: true });
    const release = await withinDeadline(context, inputs.pushTimeoutMs, tooLate, (limited) =>
      withEngine(limited, async (engine) => {
        // Dialled while the settings are read.
        engine.find();
        const scanned = await gated(context, await scanSettingsOf(context, inputs), built);
        return pushFrom(limited, inputs, { built: scanned, path, engine });
      }),
    );
    await writeRelease(path, release);
    return { release, releasePath: path };
  });
}

/** A push that the gate stops is one that failed, and is told as such. */
async function gated(context: PipelineContext, settings: ScanSettings, built: Release): Promise<Release> {
  try {
    const release = requireScanned(context, settings, built);
    if (release !== built) await tellUnseen(context, release);
    return release;
  } catch (error) {
    await addStages(context, [{ name: "push", state: "failed", durationMs: 0, detail: toBelayError(error, "").got }]);
    throw error;
  }
}

/** Where no scan step ran, nobody has told yet that none did. */
async function tellUnseen(context: PipelineContext, release: Release): Promise<void> {
  if ((await readStages(context)).some(({ name }) => name === "scan")) return;
  await addStages(context, [{ name: "scan", state: "skipped", durationMs: 0, detail: SCAN_OFF }]);
  const services = Object.entries(scanEvidence(release)?.services ?? {}).filter(([, one]) => one.result === "off");
  await keepScanSummary(context, { result: "off", services: services.map(([name]) => offSummary(name)) });
}

function tooLate(time: string): BelayError {
  const got = `it was not done after ${time}; images without a tag may be at the registry, and do no harm`;
  const next = "Run it again: what is there already is not uploaded twice. Raise `push-timeout` for large images.";
  return new BelayError("PUSH_FAILED", { doing: "pushing the release", got, next });
}

interface PushWork {
  readonly built: Release;
  /** Of the release document. */
  readonly path: string;
  readonly engine: EngineOnDemand;
}

async function pushFrom(
  context: PipelineContext,
  inputs: PushInputs,
  { built, path, engine }: PushWork,
): Promise<Release> {
  const layouts = await layoutsOf(built, path);
  const docker = await openEngine(context, engine, built, layouts);
  const { client, auth } = await registryAccess(context, docker, inputs.githubToken, undefined, inputs.pushTimeoutMs);
  const { log, clock, signal } = context;
  const common = { registry: client, log, clock, signal };
  const work = async (): Promise<Release> => {
    const release = await pushRelease({
      ...common,
      release: built,
      docker: () => engine.connect(),
      layoutOf: async (service) => layouts.get(service),
      auth,
      maxParallel: inputs.maxParallel,
    });
    await attachScan(context, { registry: client, release, kinds: inputs.attach });
    await attachRelease({ ...common, release });
    return release;
  };
  try {
    return await timedStage(context, "push", work, describePush);
  } finally {
    client.close();
  }
}

/** Images that the build left on disk, by service. */
async function layoutsOf(release: Release, path: string): Promise<Map<string, string>> {
  const layouts = new Map<string, string>();
  for (const service of Object.keys(release.services)) {
    const layout = layoutPath(path, service);
    const index = join(layout, "index.json");
    if (!(await isThere(index))) continue;
    await refuseLinkedFolders(dirname(path), index).catch((error: unknown) => {
      const doing = `looking for the image of ${service}`;
      throw new BelayError("RELEASE_INVALID", {
        doing,
        got: messageOf(error),
        next: "Build the image again.",
        cause: error,
      });
    });
    layouts.set(service, layout);
  }
  return layouts;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/**
 * The engine that has the images, and that knows which registries are insecure. When all images are on disk that is all
 * it is asked for, and a runner without an engine pushes them too.
 */
async function openEngine(
  context: PipelineContext,
  engine: EngineOnDemand,
  { services }: Release,
  layouts: ReadonlyMap<string, string>,
): Promise<Docker | undefined> {
  const needed = Object.entries(services).some(([name, image]) => isOwn(image) && !layouts.has(name));
  try {
    return await engine.connect();
  } catch (error) {
    if (needed || !isBelayError(error) || context.signal.aborted) throw error;
    context.log.debug(`No engine, and none is needed: ${error.message}`);
    return undefined;
  }
}

function describePush(release: Release): string {
  return Object.values(release.services)
    .map((image) => pinnedReference(image) ?? image.repository)
    .join(", ");
}
