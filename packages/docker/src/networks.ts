import type { CallOptions, EngineHttp } from "./engine-http.ts";
import type { EndpointSettings, Filters, NetworkInspect } from "./engine-types.ts";
import { short } from "./short-id.ts";

export interface Networks {
  list(query?: { readonly filters?: Filters }, options?: CallOptions): Promise<NetworkInspect[]>;
  inspect(id: string, options?: CallOptions): Promise<NetworkInspect>;
  /** Puts a container (running or not) into a network, with these aliases and addresses. */
  connect(id: string, container: string, endpoint?: EndpointSettings, options?: CallOptions): Promise<void>;
  /** `force`: also when the engine thinks that the container is not in it. */
  disconnect(id: string, container: string, query?: { readonly force?: boolean }, options?: CallOptions): Promise<void>;
}

export function networksOf(http: EngineHttp): Networks {
  const at = (id: string, rest: string): string => `/networks/${encodeURIComponent(id)}${rest}`;
  return {
    list: (query = {}, options) =>
      http.json({ doing: "listing the networks", path: "/networks", query: { filters: query.filters }, ...options }),
    inspect: (id, options) => http.json({ doing: `inspecting the network ${short(id)}`, path: at(id, ""), ...options }),
    connect: async (id, container, endpoint = {}, options) => {
      const body = { Container: container, EndpointConfig: endpoint };
      const doing = `connecting the container ${short(container)} to the network ${short(id)}`;
      await http.call({ doing, method: "POST", path: at(id, "/connect"), body, ...options });
    },
    disconnect: async (id, container, query = {}, options) => {
      const body = { Container: container, Force: query.force ?? false };
      const doing = `disconnecting the container ${short(container)} from the network ${short(id)}`;
      await http.call({ doing, method: "POST", path: at(id, "/disconnect"), body, ...options });
    },
  };
}
