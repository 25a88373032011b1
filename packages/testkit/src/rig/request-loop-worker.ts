/** The child process of `requestLoop`: its own event loop, so that nothing that a test does delays a request. */
import { get, type IncomingMessage } from "node:http";

export interface LoopOrder {
  readonly url: string;
  readonly perSecond: number;
  readonly timeoutMs: number;
  readonly maxSeconds: number;
  readonly versionHeader: string | undefined;
}

export interface LoopCounts {
  readonly sent: number;
  readonly ok: number;
  readonly lost: number;
  readonly byVersion: Readonly<Record<string, number>>;
  readonly lostBecause: Readonly<Record<string, number>>;
}

export interface LoopResult extends LoopCounts {
  readonly seconds: number;
  /** Milliseconds from the moment at which a request was due until the last byte of its answer. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** When requests were lost, in milliseconds since the loop began: the first hundred. */
  readonly lostAtMs: readonly number[];
}

const TICK_MS = 5;
const COUNTS_EVERY_MS = 200;
const BODY_LIMIT = 64;

class Loop {
  readonly #order: LoopOrder;
  readonly #began = performance.now();
  readonly #latencies: number[] = [];
  readonly #byVersion: Record<string, number> = {};
  readonly #lostBecause: Record<string, number> = {};
  readonly #lostAtMs: number[] = [];
  #sent = 0;
  #ok = 0;
  #lost = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(order: LoopOrder) {
    this.#order = order;
  }

  start(ended: () => void): void {
    this.#timer = setInterval(() => {
      const elapsed = performance.now() - this.#began;
      // Open loop: a request is due when it is due, however slow the answers to earlier ones are.
      const due = Math.floor((elapsed * this.#order.perSecond) / 1_000);
      while (this.#sent < due) this.#send(this.#began + (this.#sent * 1_000) / this.#order.perSecond);
      if (elapsed > this.#order.maxSeconds * 1_000) ended();
    }, TICK_MS);
  }

  #send(due: number): void {
    this.#sent++;
    let over = false;
    const lose = (reason: string): void => {
      if (over) return;
      over = true;
      this.#lost++;
      this.#lostBecause[reason] = (this.#lostBecause[reason] ?? 0) + 1;
      if (this.#lostAtMs.length < 100) this.#lostAtMs.push(Math.round(performance.now() - this.#began));
    };
    const win = (version: string): void => {
      if (over) return;
      over = true;
      this.#ok++;
      this.#byVersion[version] = (this.#byVersion[version] ?? 0) + 1;
      this.#latencies.push(performance.now() - due);
    };
    const request = get(this.#order.url, { agent: false }, (response) => this.#receive(response, win, lose));
    const timer = setTimeout(() => {
      lose("timeout");
      request.destroy();
    }, this.#order.timeoutMs);
    request.once("close", () => clearTimeout(timer));
    request.on("error", (error) => lose("code" in error ? String(error.code) : error.message));
  }

  #receive(response: IncomingMessage, win: (version: string) => void, lose: (reason: string) => void): void {
    let body = "";
    response.setEncoding("utf8");
    response.on("data", (text: string) => {
      if (body.length < BODY_LIMIT) body += text;
    });
    response.once("error", () => lose("cut"));
    response.once("end", () => {
      if (response.statusCode !== 200) return lose(`status ${response.statusCode}`);
      const { versionHeader } = this.#order;
      win(
        versionHeader === undefined ? body.slice(0, BODY_LIMIT).trim() : String(response.headers[versionHeader] ?? ""),
      );
    });
  }

  counts(): LoopCounts {
    const { byVersion, lostBecause } = { byVersion: { ...this.#byVersion }, lostBecause: { ...this.#lostBecause } };
    return { sent: this.#sent, ok: this.#ok, lost: this.#lost, byVersion, lostBecause };
  }

  async finish(): Promise<LoopResult> {
    clearInterval(this.#timer);
    const seconds = (performance.now() - this.#began) / 1_000;
    // Each request that is under way ends: at the latest by its time-out.
    while (this.#ok + this.#lost < this.#sent) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
    const latencyMs = { p50: at(0.5), p99: at(0.99), max: at(1) };
    return { ...this.counts(), seconds, latencyMs, lostAtMs: this.#lostAtMs };
  }
}

let loop: Loop | undefined;

function end(): void {
  loop?.finish().then((result) => process.send?.({ result }, () => process.disconnect()));
}

process.on("message", (message: { order?: LoopOrder; stop?: true }) => {
  if (message.stop) end();
  if (message.order === undefined || loop !== undefined) return;
  loop = new Loop(message.order);
  loop.start(end);
  setInterval(() => process.send?.({ counts: loop?.counts() }), COUNTS_EVERY_MS).unref();
});
process.on("disconnect", () => process.exit(0));
