import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A stretch of network between two programs, with faults on demand. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that came so far. */
  readonly accepted: number;
  /** Nothing passes any more and nobody is told, as when a cable is pulled: open connections and new ones hang. */
  silence(): void;
  /** Cuts all connections and refuses new ones, as a firewall that answers would. */
  cut(): void;
  /** Passes everything again. What was held up by a silence arrives now; what was cut stays so. */
  heal(): void;
  /**
   * Resets connections once so many bytes have come on one of them from the near side: the next `times` ones that get
   * so far, by default all.
   */
  cutAfter(bytes: number, times?: number): void;
  /** Connections that were reset in that way. */
  readonly cuts: number;
  /** Each piece of data is held up for this time, in each direction. */
  slow(milliseconds: number): void;
  stop(): Promise<void>;
}

/** Listens on loopback and passes everything on to a port (of `host`, by default loopback) or a unix socket. */
export async function startTcpProxy(
  target: { readonly port: number; readonly host?: string } | { readonly path: string },
): Promise<TcpProxy> {
  const gate = new Gate();
  const sockets = new Map<Socket, boolean>();
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true }, (near) => {
    accepted++;
    if (gate.refuses) return void near.resetAndDestroy();
    const far = connect({ host: "127.0.0.1", allowHalfOpen: true, ...target });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.set(from, from === near || "port" in target);
      from.once("close", () => sockets.delete(from));
      from.on("error", () => to.destroy());
      void pass(from, to, gate, from === near ? (bytes) => gate.cutsAt(bytes) : undefined);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cutAll = (): void => {
    // Only TCP knows a reset; where the far side is a unix socket, closing it says the same.
    for (const [socket, tcp] of sockets) tcp ? socket.resetAndDestroy() : socket.destroy();
  };
  const stop = async (): Promise<void> => {
    cutAll();
    gate.open();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    silence: () => gate.shut(),
    cut: () => {
      gate.refuses = true;
      cutAll();
    },
    heal: () => {
      gate.refuses = false;
      gate.open();
    },
    cutAfter: (bytes, times = Number.POSITIVE_INFINITY) => {
      gate.cutAfter = { bytes, left: times };
    },
    get cuts() {
      return gate.cuts;
    },
    slow: (milliseconds) => {
      gate.delayMs = milliseconds;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

class Gate {
  refuses = false;
  delayMs = 0;
  cutAfter: { readonly bytes: number; left: number } | undefined;
  cuts = 0;
  #shut: { readonly opened: Promise<void>; readonly open: () => void } | undefined;

  /** Whether a connection on which so many bytes have come is to be cut now. */
  cutsAt(bytes: number): boolean {
    if (this.cutAfter === undefined || bytes < this.cutAfter.bytes || this.cutAfter.left <= 0) return false;
    this.cutAfter.left--;
    this.cuts++;
    return true;
  }

  shut(): void {
    if (this.#shut !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#shut = { opened: promise, open: resolve };
  }

  open(): void {
    this.#shut?.open();
    this.#shut = undefined;
  }

  async passed(): Promise<void> {
    if (this.delayMs > 0) await delay(this.delayMs);
    while (this.#shut !== undefined) await this.#shut.opened;
  }
}

async function pass(from: Socket, to: Socket, gate: Gate, cutsAt?: (bytes: number) => boolean): Promise<void> {
  let passed = 0;
  try {
    for await (const chunk of from) {
      await gate.passed();
      passed += chunk.length;
      if (cutsAt?.(passed)) {
        to.destroy();
        return void from.resetAndDestroy();
      }
      if (!to.write(chunk)) await new Promise((resolve) => to.once("drain", resolve).once("close", resolve));
    }
    await gate.passed();
    to.end();
  } catch {
    // The other side learns of a reset, as it would of a real one.
    to.destroy();
  }
}
