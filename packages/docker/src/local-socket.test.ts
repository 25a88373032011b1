import { promises } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { temporaryFolder } from "@belay/testkit";
import { expect, it, onTestFinished, vi } from "vitest";
import { connectDocker } from "./connect-docker.ts";

const PONG = "HTTP/1.1 200 OK\r\nApi-Version: 1.43\r\nContent-Length: 2\r\n\r\nOK";
const INFO = 'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"ID":"here"}';

/** An engine's socket that answers by the number of the connection and what was asked; `undefined`: it hangs up. */
async function engineAt(answer: (connection: number, asked: string) => string | undefined): Promise<string> {
  const folder = await temporaryFolder("belay-socket");
  const path = join(folder.path, "docker.sock");
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    const own = ++connections;
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (asked) => {
      const text = answer(own, asked.toString());
      if (text === undefined) socket.destroy();
      else socket.write(text);
    });
  });
  await new Promise<void>((listening) => server.listen(path, listening));
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    server.close();
    await folder.remove();
  });
  return path;
}

const usual = (_: number, asked: string): string => (asked.includes("/_ping") ? PONG : INFO);
/** Nothing of this machine's own. */
const BARE = { DOCKER_CONTEXT: "", DOCKER_TLS: "", DOCKER_TLS_VERIFY: "", DOCKER_CONFIG: "/nowhere" };
/** No docker command line is to be found. */
const ALONE = { ...BARE, PATH: "/nowhere" };

it("is opened without any program, by a host or by DOCKER_HOST, and nothing of it is left in the end", async () => {
  const path = await engineAt(usual);
  for (const place of [{ host: `unix://${path}`, env: ALONE }, { env: { ...ALONE, DOCKER_HOST: `unix://${path}` } }]) {
    const docker = await connectDocker(place);
    expect((await docker.info()).ID).toBe("here");
    await docker.close();
    await expect(docker.info()).rejects.toThrow(/has been closed/);
  }
});

it("is left to the command line where TLS is asked for", async () => {
  const path = await engineAt(usual);
  const env = { ...ALONE, DOCKER_HOST: `unix://${path}`, DOCKER_TLS_VERIFY: "1" };
  await expect(connectDocker({ env })).rejects.toMatchObject({ code: "TOOL_MISSING" });
});

it("is left to the command line, which may be one that may, where this user may not open it", async () => {
  const path = await engineAt(usual);
  // Root, as whom tests may run, may open any.
  const denied = Object.assign(new Error(`EACCES: permission denied, access '${path}'`), { code: "EACCES" });
  const access = vi.spyOn(promises, "access").mockRejectedValue(denied);
  onTestFinished(() => access.mockRestore());
  for (const place of [{ host: `unix://${path}`, env: ALONE }, { env: ALONE }]) {
    await expect(connectDocker(place)).rejects.toMatchObject({ code: "TOOL_MISSING" });
  }
});

it("is left to the command line where no socket can be called so", async () => {
  const place = { host: `unix:///${"x".repeat(104)}`, env: ALONE };
  await expect(connectDocker(place)).rejects.toMatchObject({ code: "TOOL_MISSING" });
});

it("that is not there, or that nobody listens at, is told as the command line tells it", async () => {
  const none = connectDocker({ host: "unix:///nowhere/docker.sock", env: BARE });
  await expect(none).rejects.toMatchObject({
    code: "ENGINE_UNREACHABLE",
    message: expect.stringContaining("dial unix /nowhere/docker.sock: connect: no such file or directory"),
  });
  const file = connectDocker({ host: `unix://${import.meta.filename}`, env: BARE });
  await expect(file).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE", message: expect.stringMatching(/refused/) });
});

it("that hangs up is opened again for a question, and not for a change", async () => {
  const path = await engineAt((connection, asked) => {
    if (asked.includes("/_ping")) return PONG;
    return connection % 2 === 1 ? undefined : INFO;
  });
  const docker = await connectDocker({ host: `unix://${path}`, env: BARE });
  onTestFinished(() => docker.close());
  expect((await docker.info()).ID).toBe("here");
  const other = await connectDocker({ host: `unix://${path}`, env: BARE });
  onTestFinished(() => other.close());
  await expect(other.volumes.create({ Name: "x" })).rejects.toMatchObject({
    code: "ENGINE_UNREACHABLE",
    message: expect.stringContaining("look before you repeat it"),
  });
});
