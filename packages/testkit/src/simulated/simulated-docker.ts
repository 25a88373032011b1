import type { IncomingMessage, ServerResponse } from "node:http";
import { SimulatedEngine } from "./simulated-engine.ts";
import type { SimulatedInstance } from "./simulated-fleet.ts";

/** As `filters` of a request names them: `{label: ["a=b"]}`. */
export type SimulatedFilters = Readonly<Record<string, ReadonlySet<string> | undefined>>;

/** What all Docker engines answer (Engine API 1.47), whatever they run: what they are, and what happens on them. */
export abstract class SimulatedDocker extends SimulatedEngine {
  readonly #followers = new Set<ServerResponse>();

  /** What the engine has at this path (without the version of the API). `undefined`: nothing, which is answered by 404. */
  protected abstract find(path: string, filters: SimulatedFilters): object | undefined;
  /** What `/events` tells of an instance that has changed, in this order. */
  protected abstract eventsOf(one: SimulatedInstance): readonly object[];

  protected answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://docker");
    const path = decodeURIComponent(url.pathname).replace(/^\/v1\.\d+/, "");
    if (path === "/_ping") response.writeHead(200, { "api-version": "1.47", ostype: "linux" }).end("OK");
    else if (path === "/info") this.json(response, this.info());
    else if (path === "/events") this.#follow(response);
    else {
      const found = this.find(path, filtersOf(url));
      if (found === undefined) this.missing(response, path);
      else this.json(response, found);
    }
  }

  protected info(): object {
    return { ID: "engine", SystemTime: new Date().toISOString(), ServerVersion: "27.5.1" };
  }

  protected tell(changed: readonly SimulatedInstance[]): void {
    for (const event of changed.flatMap((one) => this.eventsOf(one))) {
      const line = `${JSON.stringify(event)}\n`;
      for (const follower of this.#followers) this.write(follower, line);
    }
  }

  #follow(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    this.#followers.add(response);
    response.once("close", () => this.#followers.delete(response));
  }
}

/** `status`, `id` and `from` are what older readers of the engine's events go by. */
export interface SimulatedEvent {
  readonly action: string;
  readonly container: string;
  readonly image: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Tells events of one second apart. */
  readonly order: number;
}

/** A container's event, as `/events` tells it. */
export function containerEvent({ action, container, image, attributes, order }: SimulatedEvent): object {
  const time = Math.floor(Date.now() / 1_000);
  return {
    ...{ status: action, id: container, from: image, Type: "container", Action: action },
    Actor: { ID: container, Attributes: attributes },
    ...{ scope: "local", time, timeNano: time * 1e9 + order },
  };
}

/** 64 hexadecimal digits, one's own for each instance. */
export function containerId({ id }: SimulatedInstance): string {
  return Buffer.from(id).toString("hex").padEnd(64, "0").slice(0, 64);
}

function filtersOf(url: URL): SimulatedFilters {
  const given = JSON.parse(url.searchParams.get("filters") ?? "{}") as Record<string, string[]>;
  return Object.fromEntries(Object.entries(given).map(([name, values]) => [name, new Set(values)]));
}
