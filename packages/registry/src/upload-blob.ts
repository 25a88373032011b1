import { type Clock, isBelayError, type Log, messageOf, retry } from "@belay/core";
import { addressIn } from "./address-in.ts";
import { type Ask, referenceOf } from "./ask-registries.ts";
import type { BlobSource } from "./blob-source.ts";
import { CheckedBlob } from "./checked-blob.ts";
import { isTransient, RegistryError } from "./registry-error.ts";

/** How a blob came to be in its repository. */
export type Uploaded = "there" | "mounted" | "uploaded";

export interface UploadOptions {
  /** Repositories of the same registry, with their host, that may have the blob: it is taken over from there. */
  readonly from?: readonly string[];
  /** Bytes handed over so far; may go back when an upload begins anew. */
  readonly onProgress?: (bytes: number) => void;
  readonly signal?: AbortSignal;
  /** Bytes per request once a connection broke. Default 16 MiB. */
  readonly chunkBytes?: number;
}

export interface UploadContext extends UploadOptions {
  readonly ask: Ask;
  readonly log: Log;
  readonly clock: Clock;
  readonly attempts: number;
  readonly random?: () => number;
}

/** What is smaller goes with the last request. */
const SMALL = 256 * 1024;
const CHUNK = 16 * 1024 * 1024;
/** Chunks for what refuses large requests (413): nobody takes less than this. */
const SMALLEST_CHUNK = 1024 * 1024;
/** Nothing moved for so long: the connection is dead. */
const IDLE_MS = 60_000;
const LONGEST_PAUSE_MS = 10 * 60_000;
/** A registry reads a blob once more before it takes it: time for that, per byte. */
const COMMIT_MS_PER_BYTE = 1 / 5_000;
/** Answers after which the upload has to begin anew (distribution spec, "Error codes"): it is unknown, or out of step. */
const LOST = [400, 404, 409, 416];

/**
 * Puts a blob into a repository: looked for, mounted from a sibling, or uploaded. At first all of it in one request, as
 * docker does it, which every registry takes; once a connection broke, from where the registry says that it is
 * (distribution spec, "Pushing a blob in chunks"), in chunks. A registry that forgot the upload gets it anew.
 * @throws BelayError RELEASE_INVALID when the source is not what its digest says: then the blob is not stored
 */
export async function uploadBlob(context: UploadContext, repository: string, source: BlobSource): Promise<Uploaded> {
  const upload = new Upload(context, repository, source);
  if (await upload.isThere()) return "there";
  if (await upload.mount()) return "mounted";
  try {
    await upload.run();
  } catch (error) {
    if (isBelayError(error, "RELEASE_INVALID")) await upload.cancel();
    throw error;
  }
  return "uploaded";
}

class Upload {
  readonly #context: UploadContext;
  readonly #repository: string;
  readonly #source: BlobSource;
  readonly #checked: CheckedBlob;
  readonly #doing: string;
  /** Where the registry wants the bytes; none before it was asked, or when it has forgotten. */
  #place: string | undefined;
  #offset = 0;
  #chunk = Number.POSITIVE_INFINITY;
  #begun = 0;
  #done = false;
  #limited = false;

  constructor(context: UploadContext, repository: string, source: BlobSource) {
    this.#context = context;
    this.#repository = repository;
    this.#source = source;
    this.#checked = new CheckedBlob(source);
    this.#doing = `uploading ${source.digest} to ${repository}`;
  }

  async isThere(attempts?: number): Promise<boolean> {
    const path = `/blobs/${this.#source.digest}`;
    const answer = await this.#ask({ method: "HEAD", path, answers: [404], ...(attempts && { attempts }) });
    return answer.status !== 404;
  }

  /** Without a mount a registry begins an ordinary upload, which is gone on with. Refusals are no errors. */
  async mount(): Promise<boolean> {
    for (const sibling of this.#context.from ?? []) {
      const from = referenceOf(sibling).path;
      const query = new URLSearchParams({ mount: this.#source.digest, from });
      try {
        const answer = await this.#ask({ method: "POST", path: `/blobs/uploads/?${query}`, from });
        if (answer.status === 201) return true;
        this.#begin(answer);
      } catch (error) {
        if (!isBelayError(error, "REGISTRY_UNAUTHORISED", "REGISTRY_ERROR") || isTransient(error)) throw error;
        this.#context.log.debug(`${this.#doing}: no mount from ${sibling}: ${messageOf(error)}`);
      }
    }
    return false;
  }

  async run(): Promise<void> {
    if (this.#place === undefined) await this.#start(this.#context.attempts);
    while (!this.#done) await this.#step();
  }

  async cancel(): Promise<void> {
    if (this.#place === undefined) return;
    try {
      await this.#ask({ method: "DELETE", path: this.#place, attempts: 1, deadlineMs: 5_000 });
    } catch (error) {
      this.#context.log.debug(messageOf(error));
    }
  }

  /** One request that moves the upload on; again when it broke, after asking where the upload is. */
  #step(): Promise<void> {
    const { attempts, clock, log, random, signal } = this.#context;
    return retry(
      {
        attempts,
        delayMs: 500,
        maxDelayMs: LONGEST_PAUSE_MS,
        retryable: (error) => this.#canGoOn(error),
        retryAfterMs: (error) => this.#pauseAskedFor(error),
        onRetry: (error, attempt, pauseMs) =>
          log.info(`${messageOf(error)} (try ${attempt} of ${attempts}, again in ${Math.round(pauseMs)} ms)`),
        clock,
        ...(random === undefined ? {} : { random }),
        ...(signal === undefined ? {} : { signal }),
      },
      async (attempt) => {
        // The answer to the last request may be what was lost; who said 429 has answered, and wants few requests.
        if (attempt > 1 && !this.#limited && (await this.isThere(1))) this.#done = true;
        if (this.#done) return;
        if (attempt > 1) await this.#findOffset();
        const { size } = this.#source;
        await (size > SMALL && this.#offset < size ? this.#sendChunk() : this.#complete());
      },
    );
  }

  /** Uploads side by side are refused at the same moment, and would come back at the same moment for ever. */
  #pauseAskedFor(error: unknown): number | undefined {
    if (!(error instanceof RegistryError) || error.retryAfterMs === undefined) return undefined;
    return error.retryAfterMs * (1 + (this.#context.random ?? Math.random)());
  }

  #canGoOn(error: unknown): boolean {
    if (!(error instanceof RegistryError)) return false;
    const { status = 0, transient } = error;
    this.#limited = status === 429;
    if (status === 413) return this.#shrink();
    if (transient || LOST.includes(status)) this.#chunk = Math.min(this.#chunk, this.#context.chunkBytes ?? CHUNK);
    if (LOST.includes(status)) this.#place = undefined;
    return (transient || LOST.includes(status)) && this.#begun < this.#context.attempts;
  }

  /** A proxy in front of the registry takes no request of this size. */
  #shrink(): boolean {
    const smaller = Math.floor(Math.min(this.#chunk, this.#context.chunkBytes ?? CHUNK, this.#source.size) / 4);
    this.#chunk = Math.max(smaller, SMALLEST_CHUNK);
    return smaller >= SMALLEST_CHUNK;
  }

  async #start(attempts: number): Promise<void> {
    this.#begin(await this.#ask({ method: "POST", path: "/blobs/uploads/", attempts }));
  }

  #begin(answer: Answer): void {
    this.#begun++;
    this.#offset = 0;
    this.#place = this.#placeIn(answer) ?? this.#place;
    if (this.#place !== undefined) return;
    const got = "the registry does not give the place for the upload";
    throw new RegistryError("REGISTRY_ERROR", { doing: this.#doing, got, next: "Ask the registry's operator." });
  }

  #placeIn({ headers, url }: Answer): string | undefined {
    return headers.location === undefined ? undefined : addressIn(this.#doing, headers.location, url);
  }

  /** Asks how far the upload is (distribution spec, "GET" of the upload's place), or begins anew. */
  async #findOffset(): Promise<void> {
    if (this.#place !== undefined) {
      const answer = await this.#ask({ method: "GET", path: this.#place, attempts: 1, answers: LOST });
      const end = endOf(answer);
      if (answer.status < 300 && end !== undefined) {
        // `0-0` is said of nothing and of one byte.
        this.#offset = end === 0 ? 0 : end + 1;
        this.#place = this.#placeIn(answer) ?? this.#place;
        return;
      }
    }
    await this.#start(1);
  }

  async #sendChunk(): Promise<void> {
    const { size } = this.#source;
    const start = this.#offset;
    const end = Math.min(size, start + this.#chunk);
    const whole = start === 0 && end === size;
    const answer = await this.#ask({
      method: "PATCH",
      path: this.#place ?? "",
      headers: {
        "Content-Type": "application/octet-stream",
        ...(whole ? {} : { "Content-Range": `${start}-${end - 1}` }),
      },
      body: { length: end - start, open: () => this.#read(start, end) },
      attempts: 1,
      deadlineMs: IDLE_MS,
    });
    this.#place = this.#placeIn(answer) ?? this.#place;
    this.#offset = end;
  }

  async *#read(start: number, end: number): AsyncGenerator<Uint8Array> {
    let at = start;
    for await (const piece of this.#checked.read(start, end)) {
      yield piece;
      at += piece.byteLength;
      this.#context.onProgress?.(at);
    }
  }

  async #complete(): Promise<void> {
    const { digest, size } = this.#source;
    const body = this.#offset === 0 ? await collect(this.#read(0, size)) : undefined;
    await this.#checked.finish();
    const place = new URL(this.#place ?? "");
    place.searchParams.set("digest", digest);
    await this.#ask({
      method: "PUT",
      path: place.href,
      headers: { "Content-Type": "application/octet-stream" },
      attempts: 1,
      deadlineMs: IDLE_MS + size * COMMIT_MS_PER_BYTE,
      ...(body === undefined ? {} : { body }),
    });
    this.#done = true;
  }

  #ask(request: Omit<Parameters<Ask>[1], "doing" | "access" | "signal">): Promise<Answer> {
    const { ask, signal } = this.#context;
    const more = signal === undefined ? {} : { signal };
    return ask(this.#repository, { ...request, ...more, doing: this.#doing, access: "push" });
  }
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

type Answer = Awaited<ReturnType<Ask>>;

/** Last byte of `Range: 0-1023`, which some registries write with `bytes=`. */
function endOf({ headers }: Answer): number | undefined {
  const end = /(\d+)-(\d+)/.exec(String(headers.range ?? ""))?.[2];
  return end === undefined ? undefined : Number(end);
}
