import type { CallOptions, EngineHttp } from "./engine-http.ts";
import type { Filters } from "./engine-types.ts";
import type { SwarmNode } from "./swarm-types.ts";

/** Nodes of a swarm. */
export interface Nodes {
  list(query?: { readonly filters?: Filters }, options?: CallOptions): Promise<SwarmNode[]>;
  inspect(id: string, options?: CallOptions): Promise<SwarmNode>;
}

export function nodesOf(http: EngineHttp): Nodes {
  return {
    list: (query = {}, options) =>
      http.json({ doing: "listing the nodes", path: "/nodes", query: { filters: query.filters }, ...options }),
    inspect: (id, options) =>
      http.json({ doing: `inspecting the node ${id}`, path: `/nodes/${encodeURIComponent(id)}`, ...options }),
  };
}
