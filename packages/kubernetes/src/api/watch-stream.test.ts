import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { watchStream } from "./watch-stream.ts";

const EVENT = { type: "ADDED", object: { apiVersion: "v1", kind: "Pod", metadata: { name: "web-1" } } };
const LINE = `${JSON.stringify(EVENT)}\n`;

/** What a watch gives whose answer is written like this. */
async function watched(
  write: (response: ServerResponse) => void,
  signal: AbortSignal = new AbortController().signal,
): Promise<unknown[]> {
  const server = createServer((_request, response) => write(response)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ port, host: "127.0.0.1", agent: false }, resolve).once("error", reject);
  });
  const seen: unknown[] = [];
  try {
    for await (const event of watchStream(answer, "watching pods", signal)) seen.push(event);
    return seen;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

it("gives each line as an event, and ends with the answer", async () => {
  expect(await watched((response) => response.end(LINE + LINE))).toEqual([EVENT, EVENT]);
});

it.each([
  ["between two lines", LINE],
  ["within a line", LINE + LINE.slice(0, 30)],
])("tells of a connection that is cut %s", async (_, text) => {
  const cut = watched((response) => void response.write(text, () => response.socket?.resetAndDestroy()));
  await expect(cut).rejects.toMatchObject({
    code: "ENGINE_UNREACHABLE",
    message: expect.stringContaining("watching pods"),
  });
});

it("throws what the server says in the stream", async () => {
  const status = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
  const gone = watched((response) => response.end(`${JSON.stringify({ type: "ERROR", object: status })}\n`));
  await expect(gone).rejects.toMatchObject({ status: 410, reasonCode: "Expired" });
});

it("ends without an error when it was told to", async () => {
  const stop = new AbortController();
  const told = watched((response) => {
    response.write(LINE);
    setImmediate(() => stop.abort());
    stop.signal.addEventListener("abort", () => response.socket?.resetAndDestroy());
  }, stop.signal);
  await expect(told).resolves.toBeInstanceOf(Array);
});
