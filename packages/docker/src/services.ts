import type { CallOptions, EngineHttp } from "./engine-http.ts";
import type { Filters } from "./engine-types.ts";
import { type RegistryAuth, registryAuthHeader } from "./registry-auth.ts";
import { short } from "./short-id.ts";
import type { ObjectVersion, Service, ServiceSpec } from "./swarm-types.ts";

/** Credentials that the engine keeps with the service and gives to every node that pulls for it. */
export interface ServiceChangeOptions extends CallOptions {
  readonly auth?: RegistryAuth;
}

/** Services of a swarm, each named by its id or name. Errors: `isNotFound`, `isConflict`, `isOutOfSequence`. */
export interface Services {
  /** `status`: with the number of tasks that run. */
  list(query?: { readonly filters?: Filters; readonly status?: boolean }, options?: CallOptions): Promise<Service[]>;
  inspect(id: string, options?: CallOptions): Promise<Service>;
  /** The new service's id. A taken name is a conflict. */
  create(spec: ServiceSpec, options?: ServiceChangeOptions): Promise<string>;
  /**
   * Replaces the whole spec, if the service still has this version (`isOutOfSequence`). Without credentials the engine goes
   * on with those that the service has (`registryAuthFrom=spec`).
   */
  update(id: string, version: ObjectVersion, spec: ServiceSpec, options?: ServiceChangeOptions): Promise<void>;
  /** Its tasks end after the answer. */
  remove(id: string, options?: CallOptions): Promise<void>;
}

export function servicesOf(http: EngineHttp): Services {
  const at = (id: string, rest = ""): string => `/services/${encodeURIComponent(id)}${rest}`;
  // Without the header an update keeps the credentials that the engine has: an empty one would take them away.
  const header = (auth: RegistryAuth | undefined) => (auth === undefined ? {} : registryAuthHeader(auth));
  return {
    list: (query = {}, options) => {
      const { filters, status } = query;
      return http.json({ doing: "listing the services", path: "/services", query: { filters, status }, ...options });
    },
    inspect: (id, options) => http.json({ doing: `inspecting the service ${short(id)}`, path: at(id), ...options }),
    create: async (spec, { auth, ...options } = {}) => {
      const request = { doing: `creating the service ${spec.Name}`, path: "/services/create", body: spec };
      return (await http.json<{ ID: string }>({ method: "POST", ...request, headers: header(auth), ...options })).ID;
    },
    update: async (id, version, spec, { auth, ...options } = {}) => {
      const doing = `updating the service ${spec.Name}`;
      const query = { version: version.Index, ...(auth === undefined ? { registryAuthFrom: "spec" } : {}) };
      const request = { doing, method: "POST" as const, path: at(id, "/update"), query, body: spec };
      await http.call({ ...request, headers: header(auth), ...options });
    },
    remove: async (id, options) => {
      await http.call({ doing: `removing the service ${short(id)}`, method: "DELETE", path: at(id), ...options });
    },
  };
}
