import { parseReference } from "@belay/core";
import { checkImage } from "./check-image.ts";
import type { Path } from "./config-source.ts";
import { pathName } from "./describe-issue.ts";
import { FORMATS, hasFormat } from "./formats.ts";
import type { OverrideInput, Overrides } from "./overrides.ts";
import { showValue, suggest } from "./problem.ts";
import type { Resolution } from "./resolution.ts";
import { resolveBuild } from "./resolve-build.ts";
import type { ServiceData, ServiceOverrideData } from "./schema.ts";
import type { ServiceNames, ServiceSettings } from "./settings.ts";

/** Where the services come from: belay.yaml, its overrides for the environment, the inputs. */
export interface ServiceSources {
  readonly resolution: Resolution;
  readonly environment: string | undefined;
  readonly inputs: Overrides;
  readonly directory: string;
  /** The caller builds: what inputs alone describe is built from the directory when they say nothing else. */
  readonly builds: boolean;
}

/** Services of belay.yaml with the environment's overrides, and the one that the inputs speak of. */
export function resolveServices(sources: ServiceSources): Readonly<Record<string, ServiceSettings>> {
  const chosen = chooseService(sources);
  const names = Object.keys(sources.resolution.file?.data.services ?? {});
  const all = chosen === undefined || names.includes(chosen) ? names : [...names, chosen];
  return Object.fromEntries(all.map((name) => [name, resolveService(sources, name, name === chosen)]));
}

const SERVICE_INPUTS = [
  ["image", "image"],
  ["build-context", "buildContext"],
  ["dockerfile", "dockerfile"],
  ["build-target", "buildTarget"],
  ["test-target", "testTarget"],
  ["build-args", "buildArgs"],
  ["platforms", "platforms"],
] as const;

/** The service that `image` and the build inputs speak of; `undefined` when they are not used. */
function chooseService({ resolution, inputs }: ServiceSources): string | undefined {
  const { file } = resolution;
  if (file === undefined)
    return inputs.service === undefined ? fromImage(resolution, inputs.image) : newService(resolution, inputs.service);
  const known = Object.keys(file.data.services);
  if (inputs.service !== undefined) {
    if (known.includes(inputs.service)) return inputs.service;
    const hint = suggest(inputs.service, known, "Services");
    resolution.refuse("service", `no service is called ${showValue(inputs.service)}. ${hint}`);
    return undefined;
  }
  const used = usedInput(inputs);
  if (used === undefined || known.length === 1) return used === undefined ? undefined : known[0];
  resolution.refuse(used, `it could speak of any of ${known.join(", ")}. Say which with the input \`service\`.`);
  return undefined;
}

function usedInput(inputs: Overrides): OverrideInput | undefined {
  const used = SERVICE_INPUTS.find(([, key]) => inputs[key] !== undefined);
  return used?.[0] ?? (inputs.build === undefined ? undefined : "service");
}

function newService(resolution: Resolution, name: string): string {
  const legal = FORMATS.service.legal;
  if (!hasFormat(name, FORMATS.service))
    resolution.refuse("service", `it is ${showValue(name)}. Legal values: ${legal}.`);
  return name;
}

/** Without file and `service`, the last part of the repository names the service, in every step alike. */
function fromImage(resolution: Resolution, image: string | undefined): string | undefined {
  if (image === undefined) {
    resolution.refuse(
      "service",
      "there is no belay.yaml, so say which service this is about: give `service`, or `image`.",
    );
    return undefined;
  }
  const wrong = checkImage(image, false);
  if (wrong === undefined) return parseReference(image)?.path.split("/").at(-1);
  resolution.refuse("image", `it is ${wrong}`);
  return undefined;
}

function resolveService(sources: ServiceSources, name: string, chosen: boolean): ServiceSettings {
  const { resolution, environment } = sources;
  const basePath = ["services", name];
  const overPath = ["environments", environment ?? "", "services", name];
  const data = resolution.file?.data;
  const base: Partial<ServiceData> = resolution.fill(own(data?.services, name) ?? {}, basePath);
  const overrides = environment === undefined ? undefined : own(data?.environments, environment)?.services;
  const over: ServiceOverrideData = resolution.fill(own(overrides, name) ?? {}, overPath);
  const inputs = chosen ? sources.inputs : {};
  const build = resolveBuild({
    ...{ resolution, name, directory: sources.directory, inputs },
    ...{ base: base.build, over: over.build },
    implied: sources.builds && data === undefined,
  });
  const imagePath = [...(over.image === undefined ? basePath : overPath), "image"];
  const image = resolveImage(
    { resolution, name, path: imagePath, built: build !== undefined },
    over.image ?? base.image,
    inputs,
  );
  return { ...image, ...(build === undefined ? {} : { build }), names: mergeNames(base.names, over.names) };
}

function own<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

interface ImageContext {
  readonly resolution: Resolution;
  readonly name: string;
  readonly path: Path;
  readonly built: boolean;
}

function resolveImage({ resolution, name, path, built }: ImageContext, written: string | undefined, inputs: Overrides) {
  const given = inputs.image ?? written;
  if (given === undefined) return {};
  const image = given.replaceAll("{service}", name);
  const unfilled = inputs.image === undefined && image.includes("${");
  const wrong = unfilled ? undefined : checkImage(image, built);
  if (wrong !== undefined && inputs.image !== undefined) resolution.refuse("image", `it is ${wrong}`);
  else if (wrong !== undefined) resolution.complain(path, `\`${pathName(path)}\` is ${wrong}`);
  const reference = checkImage(image, false) === undefined ? parseReference(image) : undefined;
  return { image, ...(reference === undefined ? {} : { reference }) };
}

function mergeNames(base: ServiceData["names"], over: ServiceData["names"]): ServiceNames {
  const entries = Object.entries({ ...base, ...over }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}
