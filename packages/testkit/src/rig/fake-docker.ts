import { chmod, readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import { temporaryFolder } from "./temporary-folder.ts";

export interface FakeDockerOptions {
  /** Answers each request. `/_ping` is answered before it is asked, unless `ping` is false. */
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => void;
  readonly ping?: boolean;
  /** API version of the fake engine. Default 1.43. */
  readonly apiVersion?: string;
}

export interface FakeDocker extends AsyncDisposable {
  /** The executable to be used as `docker`. */
  readonly cli: string;
  /** `GET /v1.43/info`, in the order in which they came. */
  readonly requests: readonly string[];
  /** Arguments of each start of the executable, in order. */
  dials(): Promise<readonly string[]>;
  /** From now on the executable prints this on stderr and ends with status 1. `undefined`: it connects again. */
  refuse(stderr: string | undefined): Promise<void>;
  /** Cuts all connections. */
  cut(): void;
  stop(): Promise<void>;
}

/** What `docker system dial-stdio` does: connects its input and output with the engine's socket. */
const CLI = `
const { appendFileSync, readFileSync } = require("node:fs");
const net = require("node:net");
appendFileSync(__dirname + "/dials", process.argv.slice(2).join(" ") + "\\n");
const refusal = readFileSync(__dirname + "/refusal", "utf8");
if (refusal !== "") { process.stderr.write(refusal); process.exit(1); }
const socket = net.connect(__dirname + "/engine.sock");
process.stdin.pipe(socket).pipe(process.stdout);
socket.on("error", (error) => { process.stderr.write("failed to open the raw stream connection: " + error.message); process.exit(1); });
socket.on("close", () => process.exit(0));
`;

/** An engine of our own behind a `docker` executable of our own: real HTTP, with faults on demand. */
export async function startFakeDocker(options: FakeDockerOptions = {}): Promise<FakeDocker> {
  const folder = await temporaryFolder("belay-fake-docker");
  const cli = join(folder.path, "docker");
  await writeFile(cli, `#!${process.execPath}\n${CLI}`);
  await chmod(cli, 0o755);
  await writeFile(join(folder.path, "refusal"), "");
  await writeFile(join(folder.path, "dials"), "");
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (request.url === "/_ping" && options.ping !== false) {
      response.writeHead(200, { "Api-Version": options.apiVersion ?? "1.43", Ostype: "linux" }).end("OK");
    } else if (options.answer !== undefined) options.answer(request, response);
    else response.writeHead(404, { "Content-Type": "application/json" }).end('{"message":"page not found"}');
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((resolve) => server.listen(join(folder.path, "engine.sock"), resolve));
  const stop = async (): Promise<void> => {
    cut();
    await new Promise((resolve) => server.close(resolve));
    await folder.remove();
  };
  return {
    cli,
    requests,
    dials: async () => (await readFile(join(folder.path, "dials"), "utf8")).trim().split("\n"),
    refuse: (stderr) => writeFile(join(folder.path, "refusal"), stderr ?? ""),
    cut,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
