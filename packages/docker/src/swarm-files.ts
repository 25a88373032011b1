import type { CallOptions, EngineHttp } from "./engine-http.ts";
import type { Filters } from "./engine-types.ts";
import type { Labels, SwarmFile } from "./swarm-types.ts";

export interface SwarmFileBody {
  readonly Name: string;
  readonly Labels?: Labels;
  readonly Data: Uint8Array;
  /** Makes the data a template that each container's node fills in: `{Name: "golang"}`. */
  readonly Templating?: object;
  /** Of secrets that are kept elsewhere, whose `Data` is empty. */
  readonly Driver?: object;
}

/** Configs, or secrets, of a swarm: small immutable files, each named by its id or name. Names ignore case. */
export interface SwarmFiles {
  /** Configs come with their data, so ask with a filter. */
  list(query?: { readonly filters?: Filters }, options?: CallOptions): Promise<SwarmFile[]>;
  inspect(id: string, options?: CallOptions): Promise<SwarmFile>;
  /** The new id. A taken name is a conflict. Configs: 1,000 kB of data at most; secrets: 500 kB. */
  create(body: SwarmFileBody, options?: CallOptions): Promise<string>;
  /** Labels are all that can change, and must be given whole. Refused when it has moved on (`isOutOfSequence`). */
  relabel(file: SwarmFile, labels: Labels, options?: CallOptions): Promise<void>;
  /** An error while a service uses it. */
  remove(id: string, options?: CallOptions): Promise<void>;
}

export function swarmFilesOf(http: EngineHttp, kind: "config" | "secret"): SwarmFiles {
  const at = (id: string, rest = ""): string => `/${kind}s/${encodeURIComponent(id)}${rest}`;
  return {
    list: (query = {}, options) =>
      http.json({ doing: `listing the ${kind}s`, path: `/${kind}s`, query: { filters: query.filters }, ...options }),
    inspect: (id, options) => http.json({ doing: `inspecting the ${kind} ${id}`, path: at(id), ...options }),
    create: async (body, options) => {
      const data = { ...body, Data: Buffer.from(body.Data).toString("base64") };
      const request = { doing: `creating the ${kind} ${body.Name}`, path: `/${kind}s/create`, body: data };
      return (await http.json<{ ID: string }>({ method: "POST", ...request, ...options })).ID;
    },
    relabel: async (file, labels, options) => {
      const doing = `labelling the ${kind} ${file.Spec.Name}`;
      const query = { version: file.Version.Index };
      const body = { ...file.Spec, Labels: labels };
      await http.call({ doing, method: "POST", path: at(file.ID, "/update"), query, body, ...options });
    },
    remove: async (id, options) => {
      await http.call({ doing: `removing the ${kind} ${id}`, method: "DELETE", path: at(id), ...options });
    },
  };
}
