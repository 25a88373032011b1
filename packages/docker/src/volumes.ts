import type { CallOptions, EngineHttp } from "./engine-http.ts";
import type { Filters, Volume } from "./engine-types.ts";

export interface Volumes {
  list(query?: { readonly filters?: Filters }, options?: CallOptions): Promise<readonly Volume[]>;
  inspect(name: string, options?: CallOptions): Promise<Volume>;
  /**
   * Creates a volume. One that exists already is *returned with its own labels*, without an error (engine's behaviour):
   * compare a label to learn whose it is.
   */
  create(
    body: { readonly Name: string; readonly Labels?: Readonly<Record<string, string>> },
    options?: CallOptions,
  ): Promise<Volume>;
  remove(name: string, options?: CallOptions): Promise<void>;
}

export function volumesOf(http: EngineHttp): Volumes {
  const at = (name: string): string => `/volumes/${encodeURIComponent(name)}`;
  return {
    list: async (query = {}, options) => {
      const request = { doing: "listing the volumes", path: "/volumes", query: { filters: query.filters } };
      return (await http.json<{ Volumes: readonly Volume[] | null }>({ ...request, ...options })).Volumes ?? [];
    },
    inspect: (name, options) => http.json({ doing: `inspecting the volume ${name}`, path: at(name), ...options }),
    create: (body, options) => {
      const doing = `creating the volume ${body.Name}`;
      return http.json({ doing, method: "POST", path: "/volumes/create", body, ...options });
    },
    remove: async (name, options) => {
      await http.call({ doing: `removing the volume ${name}`, method: "DELETE", path: at(name), ...options });
    },
  };
}
