import { request } from "node:http";

export interface EngineInfoAnswer {
  readonly LiveRestoreEnabled: boolean;
  readonly ServerVersion: string;
}

/** What the engine on this socket says of itself; `undefined` while none answers. Asked without any client of ours. */
export function engineInfo(socketPath: string): Promise<EngineInfoAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: "/info", agent: false, timeout: 5_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("error", reject);
      response.once("end", () => resolve(response.statusCode === 200 ? JSON.parse(text) : undefined));
    });
    asked.once("timeout", () => asked.destroy());
    asked.on("error", () => resolve(undefined));
    asked.end();
  });
}
