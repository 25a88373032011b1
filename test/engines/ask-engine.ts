import { request } from "node:http";

/** What the engine at this socket answers, as it stands there. */
export async function askEngine(socketPath: string, path: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const asked = request({ socketPath, path, headers: { host: "docker" } }, async (response) => {
    response.setEncoding("utf8");
    resolve((await response.toArray()).join(""));
  });
  asked.once("error", reject).end();
  return JSON.parse(await promise);
}
