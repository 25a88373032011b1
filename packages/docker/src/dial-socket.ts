import { type ChildProcess, spawn } from "node:child_process";
import { Duplex } from "node:stream";

const STDERR_LIMIT = 8_192;
const TERM_AFTER_MS = 500;
const KILL_AFTER_MS = 2_000;

export interface DialCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The socket on this machine that it would lead to: opened instead, which takes no process. */
  readonly socketPath?: string;
}

/** What of a connection tells how it went, whatever leads to the engine. */
export interface EngineSocket {
  /** What was said when it did not come about, or broke. Not redacted; empty where nothing was. */
  readonly stderr: string;
  /** Why the program that makes it could not be started. */
  readonly spawnError: Error | undefined;
  /** Whether the engine sent anything on this connection. */
  readonly answered: boolean;
  /** Resolves when nothing is left of it. */
  readonly gone: Promise<void>;
}

/**
 * One connection to the engine: a `docker system dial-stdio` process, whose pipes are the two directions of a stream.
 * It has the few methods of a network socket that Node's HTTP agent calls.
 */
export class DialSocket extends Duplex implements EngineSocket {
  readonly #child: ChildProcess;
  #stderr = "";
  #spawnError: Error | undefined;
  /** Whether the engine sent anything on this connection. */
  answered = false;
  /** The agent compares it with its own timeout, which is not used. */
  readonly timeout = 0;
  /** Resolves when the process and its pipes are gone. */
  readonly gone: Promise<void>;

  constructor(dial: DialCommand) {
    super({ allowHalfOpen: false });
    // A process group of its own: Ctrl-C in a terminal must not cut the connection over which a way back is taken.
    this.#child = spawn(dial.command, dial.args, { env: dial.env, stdio: "pipe", detached: true, windowsHide: true });
    this.gone = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#spawnError = error;
        this.destroy(error);
        if (this.#child.pid === undefined) resolve();
      });
      this.#child.once("close", () => {
        resolve();
        this.push(null);
        // What was received and not yet read must stay readable; a connection that nobody reads goes at once.
        setImmediate(() => {
          if (this.readableLength === 0) this.destroy();
        });
      });
    });
    this.#connectPipes();
  }

  #connectPipes(): void {
    const { stdin, stdout, stderr } = this.#child;
    stdout?.on("data", (chunk: Buffer) => {
      this.answered = true;
      // Nobody reads from one that is closed: what it still gets must not stop at a full buffer, or its pipe never ends.
      if (!this.destroyed && !this.push(chunk)) stdout.pause();
    });
    stdout?.once("end", () => this.push(null));
    stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_LIMIT);
    });
    // A broken pipe says less than stderr does: whoever waits for an answer is told when the process is gone.
    stdin?.on("error", (error) => this.gone.then(() => this.destroy(error)));
  }

  /** What the process said on stderr so far. Not redacted. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Why the process could not be started. */
  get spawnError(): Error | undefined {
    return this.#spawnError;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  override _read(): void {
    this.#child.stdout?.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const { stdin } = this.#child;
    if (stdin === null || stdin.destroyed) done(new Error("the connection to the engine is closed"));
    else stdin.write(chunk, encoding, (error) => done(error ?? null));
  }

  override _final(done: () => void): void {
    this.#child.stdin?.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#end();
    done(error);
  }

  /** The end of its input ends `dial-stdio`; one that hangs (a dead ssh) is ended by its pid. */
  #end(): void {
    const child = this.#child;
    child.stdin?.end();
    child.stdout?.resume();
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const term = setTimeout(() => child.kill("SIGTERM"), TERM_AFTER_MS);
    const kill = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
    this.gone.then(() => {
      clearTimeout(term);
      clearTimeout(kill);
    });
  }

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  /** An idle connection does not keep this process alive; the agent calls both. */
  ref(): this {
    this.#each((one) => one.ref());
    return this;
  }

  unref(): this {
    this.#each((one) => one.unref());
    return this;
  }

  #each(act: (one: { ref(): void; unref(): void }) => void): void {
    act(this.#child);
    for (const pipe of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) {
      if (pipe !== null && "ref" in pipe) act(pipe as unknown as { ref(): void; unref(): void });
    }
  }
}
