import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, type LoopResult, requestLoop, waitUntil } from "../rig/index.ts";
import type { ShopStage } from "./shop-stage.ts";

/** The same change of image by `docker compose up -d`, under the same requests: what it costs without Belay. */
export async function plainCompose(shop: ShopStage, from: string, to: string): Promise<LoopResult> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const override = join(shop.temporary.path, "plain.yaml");
  const files = ["-f", join(shop.repository.folder, "compose.yaml"), "-f", override];
  const env = { ...shop.variables, PORT: String(port) };
  const compose = (...args: string[]) =>
    shop.engine.docker(["compose", "-p", `plain${port}`, ...files, ...args], { env });
  const pin = (image: string): Promise<void> => writeFile(override, `services: { web: { image: "${image}" } }\n`);
  await pin(from);
  try {
    await compose("up", "-d", "--quiet-pull");
    await waitForAnswer(url);
    const loop = requestLoop({ url });
    // Stopped whatever happens: its process would keep this one alive.
    await using undo = new AsyncDisposableStack();
    undo.defer(async () => void (await loop.stop()));
    await waitUntil("the first second of requests", () => loop.counts().sent > 200, { withinMs: 30_000 });
    await pin(to);
    await compose("up", "-d", "--quiet-pull");
    const { sent } = loop.counts();
    await waitUntil("two more seconds of requests", () => loop.counts().sent > sent + 400, { withinMs: 30_000 });
    return await loop.stop();
  } finally {
    await compose("down", "--timeout", "1", "--volumes");
  }
}

/** Until the proxy has found the application. */
export async function waitForAnswer(url: string): Promise<void> {
  const answers = async (): Promise<boolean> => {
    const response = await fetch(url).catch(() => undefined);
    await response?.body?.cancel();
    return response?.ok === true;
  };
  await waitUntil(`an answer from ${url}`, answers, { withinMs: 30_000 });
}
