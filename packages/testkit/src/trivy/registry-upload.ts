import { createHash } from "node:crypto";

/** `sha256:…` of bytes. */
export function digestOfBytes(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Uploads to a registry without a login: `url` is `http://HOST:PORT`, repositories are paths below it. */
export class RegistryUpload {
  readonly #base: string;

  constructor(url: string, repository: string) {
    this.#base = `${url}/v2/${repository}`;
  }

  async blob(bytes: Uint8Array): Promise<string> {
    const digest = digestOfBytes(bytes);
    const begun = await this.#ask("POST", "/blobs/uploads/", 202);
    const location = new URL(begun.headers.get("location") ?? "", this.#base);
    location.searchParams.set("digest", digest);
    await expectStatus(await fetch(location, { method: "PUT", body: new Uint8Array(bytes), headers: BYTES }), 201);
    return digest;
  }

  async manifest(name: string, mediaType: string, bytes: Uint8Array): Promise<string> {
    const headers = { "content-type": mediaType };
    await this.#ask("PUT", `/manifests/${name}`, 201, { body: new Uint8Array(bytes), headers });
    return digestOfBytes(bytes);
  }

  async #ask(method: string, path: string, status: number, more: RequestInit = {}): Promise<Response> {
    return expectStatus(await fetch(`${this.#base}${path}`, { method, ...more }), status);
  }
}

const BYTES = { "content-type": "application/octet-stream" };

async function expectStatus(response: Response, status: number): Promise<Response> {
  if (response.status === status) return response;
  throw new Error(`${response.url} answered ${response.status}, not ${status}: ${await response.text()}`);
}
