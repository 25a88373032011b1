import type { IncomingMessage, ServerResponse } from "node:http";
import { SimulatedEngine } from "./simulated-engine.ts";
import type { SimulatedInstance } from "./simulated-fleet.ts";
import { deploymentOf, NAMESPACE, podOf, replicaSetOf } from "./simulated-objects.ts";

type Json = Readonly<Record<string, unknown>>;

interface Watcher {
  readonly kind: string;
  readonly response: ServerResponse;
}

interface Change {
  readonly version: number;
  readonly kind: string;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: Json;
}

const PATH = new RegExp(`^/apis?/(?<group>v1|apps/v1|batch/v1)/namespaces/${NAMESPACE}/(?<plural>[a-z]+)$`);
const KINDS: Readonly<Record<string, string>> = {
  pods: "Pod",
  events: "Event",
  deployments: "Deployment",
  replicasets: "ReplicaSet",
};

/**
 * An API server with a Deployment per service, in one namespace: lists in pages, and watches that go on from a
 * resourceVersion, with bookmarks (API concepts, "Retrieving large results sets in chunks" and "Efficient detection of
 * changes"). Its objects are compared with those of a real one by a test.
 */
export class SimulatedKubernetes extends SimulatedEngine {
  readonly #watchers = new Set<Watcher>();
  readonly #changes: Change[] = [];
  readonly #versions = new Map<string, number>();
  #version = 100_000;

  protected answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://kubernetes");
    const { group = "", plural = "" } = PATH.exec(url.pathname)?.groups ?? {};
    const kind = KINDS[plural];
    if (url.pathname === "/version") this.json(response, { major: "1", minor: "34", gitVersion: "v1.34.4" });
    else if (kind === undefined) this.missing(response, url.pathname);
    else if (url.searchParams.get("watch") !== "true") this.#list(kind, group, url.searchParams, response);
    else this.#watch(kind, Number(url.searchParams.get("resourceVersion")), response);
  }

  protected tell(changed: readonly SimulatedInstance[]): void {
    for (const one of changed) {
      if (one.state === "ended") this.#note("DELETED", podOf(one, this.#next()));
      else this.#note("ADDED", podOf(one, this.#touch("Pod", one.id)));
    }
    // Their controllers count.
    for (const service of new Set(changed.map((one) => one.service))) {
      for (const release of [1, 2] as const) {
        this.#note("MODIFIED", replicaSetOf(service, release, this.#touch("ReplicaSet", `${service}/${release}`)));
      }
      const desired = this.fleet.desired(service);
      this.#note("MODIFIED", deploymentOf(service, desired, this.#touch("Deployment", `${service}`)));
    }
    const bookmark = { metadata: { resourceVersion: `${this.#version}`, creationTimestamp: null } };
    for (const { kind, response } of this.#watchers) {
      this.write(
        response,
        `${JSON.stringify({ type: "BOOKMARK", object: { kind, apiVersion: "v1", ...bookmark } })}\n`,
      );
    }
  }

  #next(): number {
    return ++this.#version;
  }

  #touch(kind: string, name: string): number {
    const version = this.#next();
    this.#versions.set(`${kind} ${name}`, version);
    return version;
  }

  #versionOf(kind: string, name: string): number {
    return this.#versions.get(`${kind} ${name}`) ?? 99_999;
  }

  #note(type: Change["type"], object: Json): void {
    const change = { version: this.#version, kind: object.kind as string, type, object };
    this.#changes.push(change);
    for (const { kind, response } of this.#watchers) if (kind === change.kind) this.#send(response, change);
  }

  #send(response: ServerResponse, { type, object }: Change): void {
    this.write(response, `${JSON.stringify({ type, object })}\n`);
  }

  #watch(kind: string, since: number, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    for (const change of this.#changes)
      if (change.kind === kind && change.version > since) this.#send(response, change);
    const watcher = { kind, response };
    this.#watchers.add(watcher);
    response.once("close", () => this.#watchers.delete(watcher));
  }

  #list(kind: string, apiVersion: string, query: URLSearchParams, response: ServerResponse): void {
    const all = this.#objects(kind);
    const from = Number(query.get("continue") ?? 0);
    const limit = Number(query.get("limit") ?? 0) || all.length;
    const left = Math.max(0, all.length - from - limit);
    const more = left === 0 ? {} : { continue: `${from + limit}`, remainingItemCount: left };
    const items = all.slice(from, from + limit).map((make) => {
      const { kind: _kind, apiVersion: _version, ...item } = make();
      return item;
    });
    this.json(response, {
      kind: `${kind}List`,
      apiVersion,
      metadata: { resourceVersion: `${this.#version}`, ...more },
      items,
    });
  }

  #objects(kind: string): (() => Json)[] {
    const services = Array.from({ length: this.fleet.size.services }, (_, index) => index);
    if (kind === "Deployment") {
      return services.map((one) => () => deploymentOf(one, this.fleet.desired(one), this.#versionOf(kind, `${one}`)));
    }
    if (kind === "ReplicaSet") {
      return services.flatMap((one) =>
        ([1, 2] as const).map(
          (release) => () => replicaSetOf(one, release, this.#versionOf(kind, `${one}/${release}`)),
        ),
      );
    }
    if (kind === "Event") return [];
    const running = [...this.fleet.instances()].filter(({ state }) => state === "running");
    return running.map((one) => () => podOf(one, this.#versionOf(kind, one.id)));
  }
}
