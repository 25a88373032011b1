import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DialCommand, DialSocket } from "./dial-socket.ts";

/**
 * A socket on this machine that leads to an engine elsewhere, for programs that would dial for themselves (the compose
 * plugin, Trivy). It stands in a folder that only this user may enter.
 */
export class EngineDoor {
  readonly #server: Server;
  readonly #folder: string;
  readonly #open = new Set<Socket>();
  readonly #dials = new Set<DialSocket>();

  private constructor(folder: string, dial: DialCommand) {
    this.#folder = folder;
    this.#server = createServer((socket) => this.#connect(socket, dial));
  }

  static async open(dial: DialCommand): Promise<EngineDoor> {
    const door = new EngineDoor(await mkdtemp(join(tmpdir(), "belay-door-")), dial);
    await new Promise<void>((resolve, reject) => {
      door.#server.once("error", reject);
      door.#server.listen(door.#path, resolve);
    });
    await chmod(door.#path, 0o600);
    // Whoever forgets to close it must still come to an end.
    door.#server.unref();
    return door;
  }

  get #path(): string {
    return join(this.#folder, "docker.sock");
  }

  /** `unix://…` */
  get address(): string {
    return `unix://${this.#path}`;
  }

  #connect(socket: Socket, dial: DialCommand): void {
    const far = new DialSocket(dial);
    this.#open.add(socket);
    this.#dials.add(far);
    socket.pipe(far).pipe(socket);
    socket.on("error", () => far.destroy());
    far.on("error", () => socket.destroy());
    socket.once("close", () => {
      this.#open.delete(socket);
      far.destroy();
    });
    far.once("close", () => socket.destroy());
    far.gone.then(() => this.#dials.delete(far));
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await Promise.all([...this.#dials].map((far) => far.gone));
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}
