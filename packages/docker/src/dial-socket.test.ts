import { expect, test } from "vitest";
import { DialSocket } from "./dial-socket.ts";

/** A connection to a small node program in place of `docker system dial-stdio`. */
function dial(script: string): DialSocket {
  return new DialSocket({ command: process.execPath, args: ["-e", script], env: process.env });
}

test("what came before the process ended is read whole, however late", async () => {
  const socket = dial("process.stdout.write('x'.repeat(40_000))");
  await socket.gone;
  await new Promise((resolve) => setTimeout(resolve, 20));
  let length = 0;
  for await (const chunk of socket) length += chunk.length;
  expect(length).toBe(40_000);
  expect(socket.destroyed).toBe(true);
});

test("more than fits in between waits for its reader", async () => {
  const socket = dial("process.stdout.write('x'.repeat(3_000_000))");
  let length = 0;
  for await (const chunk of socket) {
    length += chunk.length;
    if (length < 300_000) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(length).toBe(3_000_000);
});

test("what is written arrives, and its end is passed on", async () => {
  const socket = dial("process.stdin.pipe(process.stdout)");
  socket.write("one ");
  socket.end("two");
  let text = "";
  for await (const chunk of socket) text += chunk;
  expect(text).toBe("one two");
});

test("a process that does not care for the end of its input is ended", async () => {
  const socket = dial("process.stderr.write('up'); setInterval(() => {}, 1000)");
  await expect.poll(() => socket.stderr, { timeout: 20_000 }).toBe("up");
  socket.destroy();
  await socket.gone;
  expect(() => process.kill(socket.pid ?? 0, 0)).toThrow("ESRCH");
});

test("a connection that is ended while more comes in than anybody reads is gone", async () => {
  const socket = dial(
    "process.stdout.on('error', () => {}); setInterval(() => process.stdout.write('x'.repeat(65_536)), 1)",
  );
  await new Promise((resolve) => socket.once("data", resolve));
  socket.destroy();
  await socket.gone;
  expect(socket.destroyed).toBe(true);
});

test("a program that is not there is an error of the connection", async () => {
  const socket = new DialSocket({ command: "/nowhere/docker", args: [], env: {} });
  await expect(new Promise((_resolve, reject) => socket.once("error", reject))).rejects.toMatchObject({
    code: "ENOENT",
  });
  await socket.gone;
  expect(socket.spawnError).toMatchObject({ code: "ENOENT" });
});

test("one that is closed while it has more to read than anybody took is gone", async () => {
  const socket = dial("process.stdout.write('x'.repeat(3_000_000)); setInterval(() => {}, 1000)");
  await expect.poll(() => socket.readableLength, { timeout: 20_000 }).toBeGreaterThan(0);
  socket.destroy();
  await socket.gone;
  expect(socket.destroyed).toBe(true);
});
