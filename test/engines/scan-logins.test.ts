/**
 * Of a pushed image Trivy itself reads the layers: it has to get into the registry with whatever login Belay got in with. A Trivy
 * server asks for a token of its own.
 */
import { delimiter, join } from "node:path";
import { writeRelease } from "@belay/core";
import {
  makeImageLayout,
  SCAN_FILES,
  startRegistry,
  startTokens,
  startTrivyServer,
  type TokenRig,
} from "@belay/testkit";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { TOKEN_LOGINS, type TokenLogin, writeDockerConfig } from "./docker-logins.ts";
import { openPushStand } from "./push-stand.ts";
import { type Job, LODASH_FILES, openScanChain, type ScanChain } from "./scan-chain.ts";
import { LODASH, STAND_MS } from "./scan-stand.ts";

let chain: ScanChain;
let open: AsyncDisposableStack;

beforeAll(async () => {
  chain = await openScanChain();
}, STAND_MS);
afterAll(() => chain?.[Symbol.asyncDispose]());
afterEach(async () => {
  vi.unstubAllEnvs();
  await open?.disposeAsync();
});

interface Pushed {
  readonly job: Job;
  readonly tokens: TokenRig;
  /** `DOCKER_CONFIG`. */
  readonly folder: string;
}

/** A job that has the release of an image which somebody pushed, so logged in, to a registry that takes tokens only. */
async function pushed({ name, ada, logIn }: TokenLogin): Promise<Pushed> {
  open = new AsyncDisposableStack();
  const stand = open.use(await openPushStand());
  const tokens = open.use(await startTokens({ users: { ada } }));
  const { address } = open.use(await startRegistry({ configuration: tokens.configuration }));
  vi.stubEnv("DOCKER_CONFIG", stand.folder);
  vi.stubEnv("PATH", `${stand.folder}${delimiter}${process.env.PATH}`);
  await logIn(stand.folder, address);
  // Another image for each login: what was looked at before is not looked at again.
  const layers = [SCAN_FILES.debian, SCAN_FILES.oldLodash, { "app/login": name }];
  const platforms = { "linux/amd64": layers, "linux/arm64": layers };
  const web = await makeImageLayout(join(stand.folder, "images/web"), platforms);
  const release = await stand.push(stand.release(address, { web }), stand.client());
  const job = await chain.job();
  await writeRelease(join(job.folder, "belay/release.json"), release);
  return { job, tokens, folder: stand.folder };
}

it.each(TOKEN_LOGINS)("is scanned with $name, and shows no secret", async (login) => {
  const { job, tokens } = await pushed(login);
  const before = [tokens.issued.length, await chain.looks()] as const;
  const thrown: unknown = await job.scan().catch((error: unknown) => error);
  expect(thrown, String(thrown)).toMatchObject({ code: "VULNERABLE", message: expect.stringContaining(LODASH[0]) });
  expect(await chain.looks()).toBe(before[1] + 2);
  const asked = tokens.issued.slice(before[0]);
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.every(({ user, method }) => user === "ada" && method === login.method)).toBe(true);
  expect([job.log.text(), JSON.stringify(thrown), String(thrown)].join("\n")).not.toContain(login.secret);
});

it("could not be scanned by somebody who is not logged in", async () => {
  const [login] = TOKEN_LOGINS as readonly [TokenLogin];
  const { job, folder } = await pushed({ ...login, name: "nobody" });
  await writeDockerConfig(folder, {});
  await expect(job.scan()).rejects.toMatchObject({
    ...{ code: "SCAN_FAILED", exitCode: 11 },
    message: expect.stringContaining("Log in to the registry"),
  });
});

it("a server that wants a token is asked with the one of TRIVY_TOKEN, which is told nowhere, and with another could not scan", async () => {
  const [right, wrong] = ["right-t0ken-of-the-server", "wrong-t0ken-of-the-server"];
  await using server = await startTrivyServer(chain.cache, { token: right });
  await chain.commit("Need lodash", LODASH_FILES);
  const before = (await chain.calls()).length;
  const said: string[] = [];
  const asked = async (token: string, more: Readonly<Record<string, string>> = {}): Promise<unknown> => {
    vi.stubEnv("TRIVY_TOKEN", token);
    const job = await chain.job();
    await job.build();
    const own = { scanner: "server", "scan-server": server.url, "scan-cache-dir": join(job.folder, "empty") };
    const ended: unknown = await job.scan({ ...own, ...more }).catch((error: unknown) => error);
    said.push(String(ended), JSON.stringify(ended), ...(await job.texts()));
    return ended;
  };
  for (const token of ["", wrong]) {
    expect(await asked(token)).toMatchObject({
      ...{ code: "SCAN_FAILED", exitCode: 11 },
      message: expect.stringMatching(/last error: twirp error unauthenticated: invalid token\).*TRIVY_TOKEN/s),
    });
  }
  expect(await asked(right)).toMatchObject({ code: "VULNERABLE", message: expect.stringContaining(LODASH[0]) });
  expect(await asked(right, { "scan-fail-on": "none" })).toMatchObject({ evidence: { result: "passed" } });
  const calls = (await chain.calls()).slice(before);
  expect(calls.filter((line) => line.includes(`--server=${server.url}`))).toHaveLength(4);
  expect([...said, ...calls].filter((text) => text.includes("t0ken-of-the-server"))).toEqual([]);
});
