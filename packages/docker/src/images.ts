import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { CallOptions, EngineHttp, EngineRequest } from "./engine-http.ts";
import type { DistributionInspect, Filters, ImageInspect, ImageSummary, ProgressMessage } from "./engine-types.ts";
import { followProgress, type Progress } from "./follow-progress.ts";
import { type RegistryAuth, registryAuthHeader } from "./registry-auth.ts";

export interface TransferOptions extends CallOptions {
  readonly auth?: RegistryAuth;
  /** Told of each message of the engine. */
  readonly onProgress?: Progress;
}

/** Images of the engine. References: `repository:tag`, `repository@sha256:…`, or an image's id where one exists. */
export interface Images {
  list(query?: { readonly filters?: Filters }, options?: CallOptions): Promise<ImageSummary[]>;
  inspect(reference: string, options?: CallOptions): Promise<ImageInspect>;
  /** Pulls `repository:tag` or `repository@sha256:…`. Default deadline 10 min. */
  pull(reference: string, options?: TransferOptions & { readonly platform?: string }): Promise<void>;
  /** Gives an image one more `repository:tag`. */
  tag(source: string, target: string, options?: CallOptions): Promise<void>;
  /** Pushes `repository:tag`. The digest is the one the engine says it pushed. Default deadline 10 min. */
  push(reference: string, options?: TransferOptions): Promise<{ readonly digest: string | undefined }>;
  /**
   * Writes what `docker save` would write, to a file that is not there yet. The deadline is for the engine's first word, the
   * signal for all.
   */
  save(reference: string, path: string, options?: CallOptions): Promise<void>;
  /** Takes a reference away, and the image when it was the last one. Conflict: a container uses it. */
  remove(reference: string, query?: { readonly force?: boolean }, options?: CallOptions): Promise<void>;
  /** What the registry holds, asked by the engine: proves that the *engine* can reach and read it. */
  distribution(
    reference: string,
    options?: CallOptions & { readonly auth?: RegistryAuth },
  ): Promise<DistributionInspect>;
}

const TRANSFER_DEADLINE_MS = 600_000;
/** It looks for all layers before it says anything. */
const SAVE_DEADLINE_MS = 120_000;
/** The classic image store tells the digest in `aux`; containerd's only in this line of text (tried on API 1.52). */
const PUSHED = /^\S+: digest: (sha256:[0-9a-f]{64}) size: \d+$/;

export function imagesOf(http: EngineHttp): Images {
  const transfer = (request: EngineRequest, onMessage: Progress): Promise<void> =>
    followProgress(http, { method: "POST", deadlineMs: TRANSFER_DEADLINE_MS, ...request }, onMessage);
  return {
    list: (query = {}, options) =>
      http.json({ doing: "listing the images", path: "/images/json", query: { filters: query.filters }, ...options }),
    inspect: (name, options) =>
      http.json({ doing: `inspecting the image ${name}`, path: at(name, "/json"), ...options }),
    pull: (reference, { auth, onProgress, platform, ...options } = {}) =>
      transfer(
        {
          doing: `pulling ${reference}`,
          path: "/images/create",
          query: { ...pullQuery(reference), platform },
          headers: registryAuthHeader(auth),
          ...options,
        },
        (message) => onProgress?.(message),
      ),
    tag: async (source, target, options) => {
      const { repository, tag } = splitReference(target);
      const query = { repo: repository, tag };
      const doing = `tagging ${source} as ${target}`;
      await http.call({ doing, method: "POST", path: at(source, "/tag"), query, ...options });
    },
    push: async (reference, { auth, onProgress, ...options } = {}) => {
      const { repository, tag } = splitReference(reference);
      let digest: string | undefined;
      const note = (message: ProgressMessage): void => {
        digest = message.aux?.Digest ?? PUSHED.exec(message.status ?? "")?.[1] ?? digest;
        onProgress?.(message);
      };
      const path = at(repository, "/push");
      const headers = registryAuthHeader(auth);
      await transfer({ doing: `pushing ${reference}`, path, query: { tag }, headers, ...options }, note);
      return { digest };
    },
    save: (name, path, options) => saveImage(http, name, path, options),
    remove: async (name, query = {}, options) => {
      const force = query.force ?? false;
      await http.call({
        doing: `removing the image ${name}`,
        method: "DELETE",
        path: at(name, ""),
        query: { force },
        ...options,
      });
    },
    distribution: (name, { auth, ...options } = {}) =>
      http.json({
        doing: `asking the registry for ${name}`,
        path: `/distribution/${segments(name)}/json`,
        headers: registryAuthHeader(auth),
        lane: "slow",
        ...options,
      }),
  };
}

async function saveImage(http: EngineHttp, name: string, path: string, options: CallOptions = {}): Promise<void> {
  const doing = `saving the image ${name}`;
  const { response, socket } = await http.open({
    doing,
    path: at(name, "/get"),
    deadlineMs: SAVE_DEADLINE_MS,
    ...options,
  });
  try {
    const file = createWriteStream(path, { flags: "wx", mode: 0o600 });
    await pipeline(response, file, options.signal === undefined ? {} : { signal: options.signal });
  } catch (error) {
    options.signal?.throwIfAborted();
    throw (error as NodeJS.ErrnoException).syscall === undefined ? await http.explain(error, doing, socket) : error;
  } finally {
    response.destroy();
  }
}

function at(name: string, rest: string): string {
  return `/images/${segments(name)}${rest}`;
}

function segments(name: string): string {
  return name.split("/").map(encodeURIComponent).join("/");
}

/** With a digest the engine wants it in `tag` (API: ImageCreate). Without either it would pull every tag. */
function pullQuery(reference: string): { fromImage: string; tag: string } {
  const [name = "", digest] = reference.split("@");
  const { repository, tag } = splitReference(name);
  return { fromImage: repository, tag: digest ?? tag };
}

/** `127.0.0.1:5000/shop` has no tag though it has a colon: a tag stands after the last slash. */
function splitReference(reference: string): { repository: string; tag: string } {
  const slash = reference.lastIndexOf("/");
  const colon = reference.indexOf(":", slash + 1);
  if (colon < 0) return { repository: reference, tag: "latest" };
  return { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}
