import { spawn } from "node:child_process";
import { once } from "node:events";
import { ensureTools } from "../rig/ensure-tools.ts";
import { freePort } from "../rig/free-port.ts";
import { waitUntil } from "../rig/wait-until.ts";

export interface TrivyServer extends AsyncDisposable {
  readonly url: string;
}

/** A Trivy server with the database of a cache folder, which it does not update. `token`: it answers nobody without it. */
export async function startTrivyServer(
  cache: string,
  { token = "" }: { readonly token?: string } = {},
): Promise<TrivyServer> {
  const { trivy } = await ensureTools(["trivy"]);
  const address = `127.0.0.1:${await freePort()}`;
  const args = ["server", `--listen=${address}`, `--cache-dir=${cache}`, "--cache-backend=memory", "--skip-db-update"];
  const quiet = { TRIVY_SKIP_VERSION_CHECK: "true", TRIVY_DISABLE_TELEMETRY: "true" };
  const env = { ...process.env, ...quiet, TRIVY_TOKEN: token };
  const child = spawn(trivy, args, { stdio: "ignore", env });
  const ended = once(child, "exit");
  const url = `http://${address}`;
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  try {
    const answers = (): Promise<boolean> =>
      fetch(`${url}/healthz`).then(
        (answer) => answer.ok,
        () => false,
      );
    await waitUntil("the Trivy server answers", answers, { withinMs: 60_000 });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, [Symbol.asyncDispose]: stop };
}
