import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { SimulatedFleet, SimulatedInstance } from "./simulated-fleet.ts";

/** What was asked of a simulated engine. */
export interface Traffic {
  readonly requests: number;
  /** Of the bodies that were sent. */
  readonly bytes: number;
}

/** More than a query that names a thousand services. */
const HEADER_LIMIT = 1024 * 1024;

/** An engine that holds a fleet and shows it over HTTP. What it speaks is in the class that extends it. */
export abstract class SimulatedEngine {
  readonly fleet: SimulatedFleet;
  readonly #server: Server;
  #requests = 0;
  #bytes = 0;

  constructor(fleet: SimulatedFleet) {
    this.fleet = fleet;
    this.#server = createServer({ maxHeaderSize: HEADER_LIMIT }, (request, response) => {
      this.#requests++;
      this.answer(request, response);
    });
  }

  protected abstract answer(request: IncomingMessage, response: ServerResponse): void;
  /** Tells those who follow what a step changed. */
  protected abstract tell(changed: readonly SimulatedInstance[]): void;

  /** `path`: of a socket. Without it a port of the loopback is chosen. */
  async listen(path?: string): Promise<number> {
    this.#server.listen(path === undefined ? { host: "127.0.0.1", port: 0 } : { path });
    await once(this.#server, "listening");
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  step(kind: "roll" | "breathe"): void {
    this.tell(kind === "roll" ? this.fleet.roll() : this.fleet.breathe());
  }

  get traffic(): Traffic {
    return { requests: this.#requests, bytes: this.#bytes };
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Part of a body: counted. */
  protected write(response: ServerResponse, text: string): void {
    this.#bytes += Buffer.byteLength(text);
    response.write(text);
  }

  protected json(response: ServerResponse, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
    response.writeHead(200, { "content-type": "application/json", ...headers });
    this.write(response, JSON.stringify(value));
    response.end();
  }

  protected missing(response: ServerResponse, path: string): void {
    response.writeHead(404, { "content-type": "application/json" });
    response.end(JSON.stringify({ kind: "Status", message: `the simulated engine has no ${path}`, code: 404 }));
  }
}
