import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { temporaryFolder } from "@belay/testkit";

/** What came through since the last time it was asked. */
export interface Passed {
  readonly requests: number;
  /** Those that change something on the engine. */
  readonly changes: number;
  /** Those that only look: everything else. */
  readonly looks: number;
}

/** A second socket of an engine, which counts what any program asks there. */
export interface CountingDoor extends AsyncDisposable {
  /** `unix://…` */
  readonly host: string;
  /** Since the last call. */
  passed(): Passed;
}

/** `socket`: the engine's own. */
export async function openCountingDoor(socket: string): Promise<CountingDoor> {
  const folder = await temporaryFolder("belay-door");
  const path = join(folder.path, "docker.sock");
  let [requests, changes] = [0, 0];
  const count = ({ method }: IncomingMessage): void => {
    requests++;
    if (method !== "GET" && method !== "HEAD") changes++;
  };
  const server = createServer((incoming, answer) => {
    count(incoming);
    pass(socket, incoming, answer);
  });
  server.on("upgrade", (incoming: IncomingMessage, near: Duplex, head: Buffer) => {
    count(incoming);
    passRaw(socket, incoming, near, head);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    host: `unix://${path}`,
    passed: () => {
      const all = { requests, changes, looks: requests - changes };
      [requests, changes] = [0, 0];
      return all;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await folder.remove();
    },
  };
}

function pass(socketPath: string, incoming: IncomingMessage, answer: ServerResponse): void {
  const { method, url, headers } = incoming;
  const onward = request({ socketPath, method, path: url, headers }, (answered) => {
    answer.writeHead(answered.statusCode ?? 502, answered.headers);
    // Streams of events begin with their head alone.
    answer.flushHeaders();
    answered.pipe(answer);
  });
  onward.on("error", () => answer.destroy());
  answer.on("close", () => onward.destroy());
  incoming.pipe(onward);
}

/** What becomes another protocol (`attach`, `exec`) is passed on byte by byte. */
function passRaw(socketPath: string, incoming: IncomingMessage, near: Duplex, head: Buffer): void {
  const far = connect(socketPath, () => {
    const lines = incoming.rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`));
    far.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines.join("")}\r\n`);
    far.write(head);
    near.pipe(far).pipe(near);
  });
  far.on("error", () => near.destroy());
  near.on("error", () => far.destroy());
}
