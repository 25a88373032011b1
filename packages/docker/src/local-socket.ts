import { connect, type Socket } from "node:net";
import type { EngineSocket } from "./dial-socket.ts";

/** What the docker command line says where the socket can't be opened (Go's `syscall.Errno`). */
const SAID: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  ECONNREFUSED: "connection refused",
  EACCES: "permission denied",
  EPERM: "permission denied",
};

/** One connection to the socket of an engine on this machine, without a process in between. */
export function openLocalSocket(path: string): Socket & EngineSocket {
  const socket = connect({ path });
  let said = "";
  let isOpen = false;
  socket.once("connect", () => {
    isOpen = true;
  });
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  socket.once("close", resolve);
  socket.on("error", (error: NodeJS.ErrnoException) => {
    // One that breaks later says nothing of the engine.
    if (!isOpen) said = `dial unix ${path}: connect: ${SAID[error.code ?? ""] ?? error.message}`;
  });
  return Object.defineProperties(socket, {
    gone: { value: gone },
    stderr: { get: () => said },
    answered: { get: () => socket.bytesRead > 0 },
    spawnError: { value: undefined },
  }) as Socket & EngineSocket;
}
