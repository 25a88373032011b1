import type { CallOptions, EngineHttp } from "./engine-http.ts";
import type { EndpointSettings, Filters, NetworkCreateBody, NetworkInspect } from "./engine-types.ts";
import { short } from "./short-id.ts";

export interface Networks {
  list(query?: { readonly filters?: Filters }, options?: CallOptions): Promise<NetworkInspect[]>;
  inspect(id: string, options?: CallOptions): Promise<NetworkInspect>;
  /** The new network's id. A taken name is a conflict for networks of a swarm, and with `CheckDuplicate` for others. */
  create(body: NetworkCreateBody, options?: CallOptions): Promise<string>;
  /** An error while containers or services use it. */
  remove(id: string, options?: CallOptions): Promise<void>;
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
    create: async (body, options) => {
      const request = { doing: `creating the network ${body.Name}`, path: "/networks/create", body };
      return (await http.json<{ Id: string }>({ method: "POST", ...request, ...options })).Id;
    },
    remove: async (id, options) => {
      await http.call({ doing: `removing the network ${short(id)}`, method: "DELETE", path: at(id, ""), ...options });
    },
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
