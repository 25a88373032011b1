import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { Redactor, systemClock } from "@belay/core";
import { temporaryFolder } from "@belay/testkit";
import { expect, it, onTestFinished } from "vitest";
import { EngineHttp } from "./engine-http.ts";

const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

interface Engine {
  readonly http: EngineHttp;
  /** What came in, by connection: `1 GET /first`. */
  readonly asked: string[];
}

/** Closes each of its first connections just as a second request comes on it, as an idle one is whose time is over. */
async function closing(connections: number, way: "socket" | "program"): Promise<Engine> {
  const folder = await temporaryFolder("belay-reused");
  const path = join(folder.path, "docker.sock");
  const asked: string[] = [];
  const open = new Set<Socket>();
  let count = 0;
  const server = createServer((socket) => {
    const own = ++count;
    let requests = 0;
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      asked.push(`${own} ${data.toString().split(" ", 2).join(" ")}`);
      if (++requests > 1 && own <= connections) socket.destroy();
      else socket.write(ANSWER);
    });
  });
  await new Promise<void>((listening) => server.listen(path, listening));
  const script = `const s = require("node:net").connect("${path}"); process.stdin.pipe(s).pipe(process.stdout); s.on("close", () => process.exit())`;
  const program = { command: process.execPath, args: ["-e", script], env: process.env };
  const http = new EngineHttp(
    way === "program" ? program : { ...program, socketPath: path },
    systemClock,
    new Redactor(),
  );
  onTestFinished(async () => {
    await http.close();
    for (const socket of open) socket.destroy();
    server.close();
    await folder.remove();
  });
  return { http, asked };
}

const ask = (http: EngineHttp, method: "GET" | "POST" | "DELETE", path: string) =>
  http.call({ doing: `asking for ${path}`, method, path, deadlineMs: 60_000 });

for (const way of ["socket", "program"] as const) {
  it(`that is closed as it is used again is opened anew for a question (${way})`, async () => {
    const { http, asked } = await closing(1, way);
    await ask(http, "GET", "/first");
    await ask(http, "GET", "/second");
    expect(asked).toEqual(["1 GET /first", "1 GET /second", "2 GET /second"]);
  });

  it.each(["POST", "DELETE"] as const)(
    `is told of for a change, and the next one is a new one: %s (${way})`,
    async (method) => {
      const { http, asked } = await closing(1, way);
      await ask(http, "GET", "/first");
      await expect(ask(http, method, "/change")).rejects.toMatchObject({
        code: "ENGINE_UNREACHABLE",
        message: expect.stringContaining("look before you repeat it"),
      });
      await ask(http, method, "/change");
      expect(asked).toEqual(["1 GET /first", `1 ${method} /change`, `2 ${method} /change`]);
    },
  );
}
