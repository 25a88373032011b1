import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Redactor, systemClock, withPermit } from "@belay/core";
import { expect, onTestFinished, test } from "vitest";
import { EngineHttp } from "./engine-http.ts";

interface Engine {
  readonly http: EngineHttp;
  /** What has come in, as `POST /one`. */
  readonly asked: string[];
  /** Answers what came first, and from then on all at once. */
  answer(): void;
}

/** An engine that keeps its first request waiting, behind a small node program in place of `docker system dial-stdio`. */
async function startEngine(): Promise<Engine> {
  const asked: string[] = [];
  const first = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    void first.promise.then(() => response.end("{}"));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const script = `const s = require("node:net").connect(${port}, "127.0.0.1"); process.stdin.pipe(s).pipe(process.stdout)`;
  const command = { command: process.execPath, args: ["-e", script], env: process.env };
  const http = new EngineHttp(command, systemClock, new Redactor());
  onTestFinished(async () => {
    await http.close();
    server.closeAllConnections();
    server.close();
  });
  return { http, asked, answer: first.resolve };
}

test("a change asks for its permit when it has got its connection, however long that took", async () => {
  const { http, asked, answer } = await startEngine();
  let forbidden = false;
  const mayChange = (): void => {
    if (forbidden) throw new Error("another run took over");
  };
  const change = (path: string) =>
    withPermit(mayChange, () => http.call({ doing: "changing", method: "POST", path, deadlineMs: 60_000 }));
  const first = change("/first");
  const second = change("/second").catch((error: unknown) => error);
  await expect.poll(() => asked, { timeout: 30_000 }).toEqual(["POST /first"]);
  forbidden = true;
  answer();
  await first;
  expect(await second).toMatchObject({ message: "another run took over" });
  // Reads and what needs no permit go on.
  await withPermit(mayChange, () => http.call({ doing: "reading", path: "/third" }));
  await http.call({ doing: "showing life", method: "POST", path: "/fourth" });
  expect(asked).toEqual(["POST /first", "GET /third", "POST /fourth"]);
});
