import { BelayError } from "@belay/core";
import type { Docker, ServiceSpec, SwarmFile } from "@belay/docker";
import { credentialSpecByName, withCredentialSpec } from "./credential-spec.ts";

/** Reads the configs and secrets that specs name, to put their present ids in. */
export class ReferenceBook {
  readonly #configs: ReadonlyMap<string, string>;
  readonly #secrets: ReadonlyMap<string, string>;

  private constructor(configs: readonly SwarmFile[], secrets: readonly SwarmFile[]) {
    this.#configs = new Map(configs.map(({ Spec, ID }) => [Spec.Name, ID]));
    this.#secrets = new Map(secrets.map(({ Spec, ID }) => [Spec.Name, ID]));
  }

  static async read(docker: Docker, specs: readonly ServiceSpec[], signal: AbortSignal): Promise<ReferenceBook> {
    const containers = specs.flatMap(({ TaskTemplate }) => TaskTemplate.ContainerSpec ?? []);
    const configs = containers.flatMap(({ Configs }) => (Configs ?? []).map(({ ConfigName }) => ConfigName));
    const secrets = containers.flatMap(({ Secrets }) => (Secrets ?? []).map(({ SecretName }) => SecretName));
    const list = (kind: "configs" | "secrets", names: readonly string[]): Promise<readonly SwarmFile[]> =>
      names.length === 0
        ? Promise.resolve([])
        : docker[kind].list({ filters: { name: [...new Set(names)] } }, { signal });
    return new ReferenceBook(await list("configs", configs), await list("secrets", secrets));
  }

  /**
   * The spec with the ids that its configs and secrets have now: one that was removed and made again has another.
   * @throws BelayError ENGINE_ERROR when one does not exist.
   */
  resolve(spec: ServiceSpec): ServiceSpec {
    const container = spec.TaskTemplate.ContainerSpec;
    if (container === undefined) return spec;
    const { Configs, Secrets } = container;
    const named = credentialSpecByName(container);
    const resolved = {
      ...withCredentialSpec(container, named && this.#id("config", named, spec)),
      ...(Configs
        ? { Configs: Configs.map((one) => ({ ...one, ConfigID: this.#id("config", one.ConfigName, spec) })) }
        : {}),
      ...(Secrets
        ? { Secrets: Secrets.map((one) => ({ ...one, SecretID: this.#id("secret", one.SecretName, spec) })) }
        : {}),
    };
    return { ...spec, TaskTemplate: { ...spec.TaskTemplate, ContainerSpec: resolved } };
  }

  #id(kind: "config" | "secret", name: string, { Name }: ServiceSpec): string {
    const id = (kind === "config" ? this.#configs : this.#secrets).get(name);
    if (id !== undefined) return id;
    throw new BelayError("ENGINE_ERROR", {
      doing: `preparing the service ${Name}`,
      got: `the ${kind} ${name} does not exist`,
      next: `Create it: docker ${kind} create ${name} …`,
    });
  }
}
