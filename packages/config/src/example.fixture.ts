import { type ConfigFile, parseConfig } from "./index.ts";

export const DIGEST = `sha256:${"a".repeat(64)}`;

/** A belay.yaml with every kind of key, as the reference shows them. */
export const EXAMPLE = `version: 1
application: shop
services:
  web:
    image: "ghcr.io/acme/shop-{service}"            # repository; {service} optional
    build: { context: ./web, dockerfile: Dockerfile, target: runtime, test-target: test, args: {}, platforms: [linux/amd64] }
    names: { compose: web, swarm: shop_web, kubernetes: deployment/web, container: app }   # only where they differ
  cache: { image: "docker.io/library/redis@${DIGEST}" } # not built here
environments:
  staging:
    url: https://staging.shop.example
    target: { kind: compose, context: default, project: shop, files: [compose.yaml] }   # or host: ssh://…
    variables: { TAG: x }
    secrets: { DB_PASSWORD: { env: DB_PASSWORD } }
    rollout: { strategy: rolling, start: 60s, deadline: 5m, stable: 5s, crashes: 2, on-failure: rollback }
    health:  [ { service: web, from: runner, http: "http://127.0.0.1:8080/healthz", interval: 1s, timeout: 1s, retries: 3, status: 200 } ]
    services: { web: { } }
`;

/** The example with parts replaced: each `from` must be in it. */
export function change(...changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the example has no ${from}`);
    return text.replace(from, () => to);
  }, EXAMPLE);
}

export function parse(text: string): ConfigFile {
  return parseConfig(text, { path: "belay.yaml", directory: "/repo" });
}

/** What `work` throws; `undefined` when it does not. */
export function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** The message of what `work` throws. */
export function messageOf(work: () => unknown): string {
  const error = thrownBy(work);
  return error instanceof Error ? error.message : "nothing was thrown";
}

/** The problems in an error's message without its frames. */
export function problemLines(work: () => unknown): string[] {
  const lines = messageOf(work).split("\n").slice(1, -1);
  return lines.filter((line) => !/^ +\d* \|/.test(line));
}
