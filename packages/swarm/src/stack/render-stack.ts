import { BelayError, type Goal, mapBounded, scopeHash } from "@belay/core";
import type { ServiceSpec } from "@belay/docker";
import type { DesiredService, DesiredStack, RenderRequest } from "../desired.ts";
import { checkFiles } from "./check-files.ts";
import { type ChosenServices, chooseServices } from "./choose-services.ts";
import { type CompanionImage, pinCompanion } from "./companion-image.ts";
import { documentFindings, notCovered } from "./document-findings.ts";
import { type FileKind, type FileObject, readFileObject } from "./file-object.ts";
import { fileReferences } from "./file-references.ts";
import { planNetworks } from "./plan-networks.ts";
import { renderFiles, visibleVariables } from "./render-files.ts";
import { type StackDocument, scopedName } from "./stack-document.ts";
import { createResources } from "./stack-resources.ts";
import { tidyResources } from "./tidy-resources.ts";
import { translateService } from "./translate-service.ts";

const AT_A_TIME = 8;

/**
 * What a stack's files say should run, with the release's images in it. Reads files and engine, changes nothing.
 * `rendered`: the files, where somebody has begun to read them before.
 * @throws BelayError CONFIG_INVALID, TOOL_MISSING, TOOL_TOO_OLD, or what the engine's client throws.
 */
export async function renderStack(
  request: RenderRequest,
  rendered: Promise<StackDocument> = renderFiles(request),
): Promise<DesiredStack> {
  const { docker, scope, log } = request;
  const stack = scope.project;
  const document = await rendered;
  const chosen = chooseServices(document, request);
  const keys = [...chosen.released.keys(), ...chosen.missing, ...chosen.companions];
  const options = request.signal === undefined ? {} : { signal: request.signal };
  const [objects, images, networks] = await Promise.all([
    readObjects(document, keys, request),
    imagesOf(document, chosen, request),
    docker.networks.list({}, options),
  ]);
  const files = await checkFiles(docker, objects, options);
  const rendering = { document, chosen, objects, images, request };
  const planned = planNetworks(document, stack, keys, networks);
  const nameOf = (key: string): string => chosen.released.get(key) ?? key;
  const resources = { networks: planned.create, files: files.create };
  const used = new Set(Object.entries(document.networks).map(([key, one]) => scopedName(stack, key, one?.name)));
  return {
    services: keys.map((key) => desiredService(key, rendering)),
    prune: chosen.prune,
    findings: [
      ...chosen.findings,
      ...documentFindings(document, keys, nameOf),
      ...files.findings,
      ...planned.findings,
      ...[...images.values()].flatMap(({ finding }) => finding ?? []),
    ],
    notCovered: notCovered(document, stack, keys),
    changes: [
      ...planned.create.map(({ Name }) => `network ${Name} is created`),
      ...files.create.map(({ kind, name }) => `${kind} ${name} is created`),
    ],
    create: (labels, signal) => createResources(docker, resources, labels, signal),
    tidy: (kept, signal, clear = async (_kind, _name, work) => void (await work())) => {
      const own = { scope: scopeHash(scope), networks: new Set([...used, `${stack}_default`]), log, clear };
      return tidyResources(docker, own, kept, signal);
    },
  };
}

/** Configs and secrets that these services use. */
async function readObjects(
  document: StackDocument,
  keys: readonly string[],
  request: RenderRequest,
): Promise<FileObject[]> {
  const services = keys.map((key) => document.services[key] ?? {});
  const configs = services.flatMap(({ configs: uses = [], credential_spec: spec }) => [
    ...uses.map(({ source }) => source),
    spec?.config,
  ]);
  const secrets = services.flatMap(({ secrets: uses = [] }) => uses.map(({ source }) => source));
  const sources = {
    stack: request.scope.project,
    variables: visibleVariables(request),
    redactor: request.redactor,
  };
  const read = (kind: FileKind, names: readonly (string | undefined)[]): Promise<FileObject>[] =>
    [...new Set(names)].flatMap((key) => {
      const file = key === undefined ? undefined : document[`${kind}s`][key];
      return key === undefined || file === undefined ? [] : [readFileObject(kind, key, file, sources)];
    });
  return Promise.all([...read("config", configs), ...read("secret", secrets)]);
}

async function imagesOf(
  document: StackDocument,
  chosen: ChosenServices,
  request: RenderRequest,
): Promise<ReadonlyMap<string, CompanionImage>> {
  const released = [...chosen.released].map(([key, service]): [string, CompanionImage] => [
    key,
    { image: request.images[service] ?? "", platforms: request.platforms[service] ?? [] },
  ]);
  const unnamed = [...chosen.missing, ...chosen.companions];
  const others = await mapBounded(unnamed, AT_A_TIME, request.signal, async (key, signal) => {
    const { image } = document.services[key] ?? {};
    if (image) return [key, await pinCompanion(request.docker, key, image, signal)] as const;
    const doing = `reading the stack ${request.scope.project}`;
    throw new BelayError("CONFIG_INVALID", { doing, got: `the service ${key} names no image`, next: "Give it one." });
  });
  return new Map([...released, ...others]);
}

interface Rendering {
  readonly document: StackDocument;
  readonly chosen: ChosenServices;
  readonly objects: readonly FileObject[];
  readonly images: ReadonlyMap<string, CompanionImage>;
  readonly request: RenderRequest;
}

function desiredService(key: string, { document, chosen, objects, images, request }: Rendering): DesiredService {
  const stack = request.scope.project;
  const references = fileReferences(document.services[key] ?? {}, key, objects);
  const { image = "", platforms = [] } = images.get(key) ?? {};
  const spec = translateService({ document, stack, key, image, platforms, ...references });
  const nameOf = (one: string): string => chosen.released.get(one) ?? one;
  const included = new Set([...chosen.released.keys(), ...chosen.missing, ...chosen.companions]);
  const waits = (chosen.order.waitsFor.get(key) ?? []).filter((one) => included.has(one));
  // A proxy that finds nobody behind its names may give up, so what only accompanies the release starts after it.
  const all = chosen.companions.includes(key) ? [...chosen.released.keys(), ...chosen.missing, ...waits] : waits;
  return { service: nameOf(key), name: spec.Name, spec, goal: goalOf(spec), dependsOn: [...new Set(all)].map(nameOf) };
}

function goalOf({ Mode, TaskTemplate }: ServiceSpec): Goal {
  const once = TaskTemplate.RestartPolicy?.Condition === "none";
  return once || Mode?.ReplicatedJob || Mode?.GlobalJob ? "complete" : "run";
}
