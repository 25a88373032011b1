import type { ApplicationSettings } from "@belay/config";
import { type Builder, findBuilder, isBuiltBefore, knownBuilder } from "@belay/images";
import type { RegistryClient } from "@belay/registry";
import { EngineOnDemand } from "../access/engine-on-demand.ts";
import { registryAccess } from "../access/registry-access.ts";
import type { PipelineContext } from "../run/context.ts";
import type { BuildInputs } from "../run/use-case-inputs.ts";
import { type EngineForBuild, engineForBuild } from "./engine-for-build.ts";

/** What a build works with. */
export interface OpenTools extends Pick<EngineForBuild, "engine"> {
  readonly client: RegistryClient;
  /** Still being looked for: buildx takes a while to say which one there is. Why there is none is told where it is needed. */
  readonly builder: Promise<Builder>;
}

/** Engine, registries and builder of one build: all are looked for at once, and closed whatever became of that. */
export class BuildTools {
  readonly #context: PipelineContext;
  readonly #inputs: BuildInputs;
  readonly #application: ApplicationSettings;
  readonly #engine: EngineOnDemand;
  #opening: Promise<OpenTools> | undefined;

  constructor(context: PipelineContext, inputs: BuildInputs, application: ApplicationSettings) {
    this.#context = context;
    this.#inputs = inputs;
    this.#application = application;
    this.#engine = new EngineOnDemand(context);
  }

  /** Opened by the first call; what stood in the way is told to each. @throws BelayError as {@link engineForBuild} does */
  open(): Promise<OpenTools> {
    this.#opening ??= this.#open();
    // Until it is waited for something else may end the build.
    this.#opening.catch(() => undefined);
    return this.#opening;
  }

  async #open(): Promise<OpenTools> {
    const builder = this.#lookForBuilder();
    builder.catch(() => undefined);
    const { docker, engine } = await engineForBuild(this.#engine, this.#context.log);
    const { client } = await registryAccess(this.#context, docker, this.#inputs.githubToken);
    return { engine, client, builder };
  }

  async #lookForBuilder(): Promise<Builder> {
    const { runner, log } = this.#context;
    const services = Object.values(this.#application.services);
    if (services.every(({ build }) => build === undefined || isBuiltBefore(build))) return { kind: "legacy" };
    const { builder: name } = this.#inputs;
    return (await knownBuilder(() => this.#hasBuildKit(), name)) ?? findBuilder({ runner }, log, name);
  }

  /** `false` too where it can't be asked: why not is told by whoever needs it. */
  async #hasBuildKit(): Promise<boolean> {
    const docker = await this.#engine.find();
    return (await docker?.hasBuildKit().catch(() => false)) ?? false;
  }

  async close(): Promise<void> {
    await this.#engine.close();
    const open = await this.#opening?.catch(() => undefined);
    open?.client.close();
  }
}
