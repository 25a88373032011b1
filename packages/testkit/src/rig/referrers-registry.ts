import { spawn } from "node:child_process";
import { once } from "node:events";
import { ensureTools } from "./ensure-tools.ts";
import { freePort } from "./free-port.ts";
import { waitUntil } from "./wait-until.ts";

/** A registry in memory that has the referrers API, which Debian's has not: go-containerregistry's. */
export interface ReferrersRegistry extends AsyncDisposable {
  /** `HOST:PORT`: the first part of image names. */
  readonly address: string;
  readonly url: string;
  stop(): Promise<void>;
}

export async function startReferrersRegistry(): Promise<ReferrersRegistry> {
  const { referrersRegistry } = await ensureTools(["referrersRegistry"]);
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(referrersRegistry, [address], { stdio: "ignore" });
  const ended = once(child, "exit");
  const end = (): void => void child.kill("SIGKILL");
  process.once("exit", end);
  const stop = async (): Promise<void> => {
    process.removeListener("exit", end);
    end();
    await ended;
  };
  const url = `http://${address}`;
  try {
    const gone = new AbortController();
    void ended.then(() => gone.abort(new Error("the registry ended")));
    const answers = async (): Promise<boolean> => (await fetch(`${url}/v2/`)).ok;
    await waitUntil("the registry answers", answers, { withinMs: 30_000, signal: gone.signal });
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, url, stop, [Symbol.asyncDispose]: stop };
}
