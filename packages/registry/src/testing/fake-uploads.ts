import type { IncomingMessage, ServerResponse } from "node:http";
import { sha256 } from "@belay/core";

/** Uploads in a registry in memory, as the distribution spec has them: begun, in chunks, asked for, finished, dropped. */
export class FakeUploads {
  readonly #sessions = new Map<string, Buffer>();
  readonly #blobs: Map<string, Buffer>;
  /** Whether an upload that was cut in the middle keeps what had come, as registries do that can resume. */
  keepsPartial = true;
  #next = 0;

  constructor(blobs: Map<string, Buffer>) {
    this.#blobs = blobs;
  }

  /** Uploads that were begun and neither finished nor dropped. */
  get open(): number {
    return this.#sessions.size;
  }

  /** Forgets them all, as a registry does that was restored from a backup. */
  forget(): void {
    this.#sessions.clear();
  }

  /** What had come of a request that was cut. */
  keep(path: string, bytes: Buffer): void {
    const id = path.split("/").at(-1) ?? "";
    const before = this.#sessions.get(id);
    if (before !== undefined && this.keepsPartial) this.#sessions.set(id, Buffer.concat([before, bytes]));
  }

  answer(request: IncomingMessage, response: ServerResponse, name: string, url: URL, body: Buffer): ServerResponse {
    if (request.method === "POST") return this.#begin(response, name, url);
    const id = url.pathname.split("/").at(-1) ?? "";
    const sofar = this.#sessions.get(id);
    if (sofar === undefined) return refuse(response, 404, "BLOB_UPLOAD_UNKNOWN");
    const headers = (all: Buffer) => ({ Location: placeOf(name, id), Range: `0-${Math.max(0, all.length - 1)}` });
    if (request.method === "GET") return response.writeHead(204, headers(sofar)).end();
    if (request.method === "DELETE") {
      this.#sessions.delete(id);
      return response.writeHead(204).end();
    }
    const from = Number(/^(\d+)-/.exec(request.headers["content-range"] ?? "")?.[1] ?? sofar.length);
    if (from !== sofar.length) return refuse(response, 416, "BLOB_UPLOAD_INVALID");
    const all = Buffer.concat([sofar, body]);
    this.#sessions.set(id, all);
    if (request.method === "PATCH") return response.writeHead(202, headers(all)).end();
    const digest = url.searchParams.get("digest") ?? "";
    if (sha256(all) !== digest) return refuse(response, 400, "DIGEST_INVALID");
    this.#sessions.delete(id);
    this.#blobs.set(`${name}/${digest}`, all);
    return response.writeHead(201, { Location: `/v2/${name}/blobs/${digest}` }).end();
  }

  #begin(response: ServerResponse, name: string, url: URL): ServerResponse {
    const digest = url.searchParams.get("mount") ?? "";
    const sibling = this.#blobs.get(`${url.searchParams.get("from")}/${digest}`);
    if (sibling !== undefined) {
      this.#blobs.set(`${name}/${digest}`, sibling);
      return response.writeHead(201, { Location: `/v2/${name}/blobs/${digest}` }).end();
    }
    const id = `upload-${++this.#next}`;
    this.#sessions.set(id, Buffer.of());
    return response.writeHead(202, { Location: placeOf(name, id), Range: "0-0" }).end();
  }
}

function placeOf(name: string, id: string): string {
  return `/v2/${name}/blobs/uploads/${id}?state=a%3Db`;
}

function refuse(response: ServerResponse, status: number, code: string): ServerResponse {
  return response
    .writeHead(status, { "Content-Type": "application/json" })
    .end(JSON.stringify({ errors: [{ code, message: "" }] }));
}
