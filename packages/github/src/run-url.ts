import type { RunnerEnv } from "./event.ts";

/** Web address of this run and attempt; `undefined` outside GitHub Actions. */
export function runUrl(env: RunnerEnv): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: id } = env;
  if (server === undefined || !repository || !id) return undefined;
  const attempt = env.GITHUB_RUN_ATTEMPT;
  const suffix = attempt === undefined || attempt === "" || attempt === "1" ? "" : `/attempts/${attempt}`;
  return `${server.replace(/\/+$/, "")}/${repository}/actions/runs/${id}${suffix}`;
}
