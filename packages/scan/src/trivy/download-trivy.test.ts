/** Against a real HTTP server, real archives made by tar, and a program that runs. */
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRunner, Redactor, systemClock } from "@belay/core";
import { createTestLog } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DownloadTrivyOptions, downloadTrivy } from "./download-trivy.ts";
import { findTrivy } from "./find-trivy.ts";

let folder: string;
let requests: string[];
let answer: RequestListener;
let archive: Buffer;
const server = createServer((request, response) => {
  requests.push(request.url ?? "");
  answer(request, response);
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-download-"));
  requests = [];
  archive = await pack({ trivy: "#!/bin/sh\necho 'Version: 0.99.1'\n", LICENSE: "x", "contrib/a.tpl": "y" });
  answer = (_request, response) => response.end(archive);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function pack(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const place = await mkdtemp(join(folder, "pack-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(place, name, ".."), { recursive: true });
    await writeFile(join(place, name), text);
    await chmod(join(place, name), 0o755);
  }
  // The program last, behind others, as upstream has it.
  const names = Object.keys(files).sort();
  return execFileSync("tar", ["-czf", "-", "-C", place, ...names]);
}

const sumOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const mirror = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/trivy`;

function options(more: Partial<DownloadTrivyOptions> = {}): DownloadTrivyOptions {
  return {
    choice: { version: "0.99.1", checksum: sumOf(archive), mirror: mirror() },
    cache: join(folder, "cache"),
    clock: systemClock,
    log: createTestLog(new Redactor()),
    env: {},
    delayMs: 1,
    ...more,
  };
}

/** What a failure left behind. */
const leftovers = async (): Promise<string[]> => readdir(join(folder, "cache/programs")).catch(() => []);

describe("downloading Trivy", () => {
  it("gives a program that runs, and asks nobody the second time", async () => {
    const redactor = new Redactor();
    const { choice = {}, ...rest } = options();
    const find = () =>
      findTrivy({ ...rest, scanner: "download", download: choice, runner: createRunner(redactor), redactor, env: {} });
    expect((await find()).version).toBe("0.99.1");
    expect((await find()).version).toBe("0.99.1");
    expect(requests).toEqual([expect.stringMatching(/^\/trivy\/v0\.99\.1\/trivy_0\.99\.1_\w+-\w+\.tar\.gz$/)]);
    expect(await leftovers()).toEqual([expect.stringMatching(/^trivy-0\.99\.1-[0-9a-f]{64}$/)]);
  });

  it("never unpacks, keeps or executes other content", async () => {
    const wrong = { ...options().choice, checksum: "ab".repeat(32) };
    const error = await downloadTrivy(options({ choice: wrong })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ obstacle: "untrusted_scanner", code: "SCAN_FAILED", exitCode: 11 });
    expect(String(error)).toContain(`has the SHA-256 ${sumOf(archive)}, and not ${"ab".repeat(32)}`);
    expect(requests).toHaveLength(1);
    expect(await leftovers()).toEqual([]);
  });

  it("downloads once for all that want it at the same time", async () => {
    const paths = await Promise.all(Array.from({ length: 8 }, () => downloadTrivy(options())));
    expect(new Set(paths).size).toBe(1);
    expect(requests).toHaveLength(1);
  });

  it("keeps another checksum of the same version apart", async () => {
    const first = await downloadTrivy(options());
    archive = await pack({ trivy: "#!/bin/sh\necho other\n" });
    const second = await downloadTrivy(options());
    expect(second).not.toBe(first);
    expect(await readFile(second, "utf8")).toContain("other");
  });

  it.each([429, 500, 503])("tries again after %s, a bounded number of times", async (status) => {
    answer = (_request, response) => response.writeHead(status).end();
    const failing = downloadTrivy(options({ attempts: 3 }));
    await expect(failing).rejects.toMatchObject({ obstacle: "no_scanner", exitCode: 11 });
    await expect(failing).rejects.toThrow(`answered ${status}`);
    expect(requests).toHaveLength(3);
  });

  it("heals after a connection that was cut in the middle", async () => {
    archive = await pack({ trivy: randomBytes(200_000).toString("base64") });
    answer = (_request, response) => {
      if (requests.length > 1) return void response.end(archive);
      response.writeHead(200, { "Content-Length": archive.length });
      response.write(archive.subarray(0, 100_000), () => response.destroy());
    };
    await downloadTrivy(options());
    expect(requests).toHaveLength(2);
  });

  it.each([404, 403])("does not try again after %s", async (status) => {
    answer = (_request, response) => response.writeHead(status).end();
    await expect(downloadTrivy(options())).rejects.toThrow(`answered ${status}`);
    expect(requests).toHaveLength(1);
    expect(await leftovers()).toEqual([]);
  });

  it("follows redirects, as GitHub's releases need it, but not for ever", async () => {
    answer = (request, response) => {
      if (request.url === "/store") return void response.end(archive);
      response.writeHead(302, { Location: "/store" }).end();
    };
    await downloadTrivy(options());
    expect(requests.at(-1)).toBe("/store");
    await rm(join(folder, "cache"), { recursive: true });
    answer = (_request, response) => response.writeHead(302, { Location: "/again" }).end();
    await expect(downloadTrivy(options())).rejects.toThrow("sends on more than 5 times");
    answer = (_request, response) => response.writeHead(302, { Location: "file:///etc/passwd" }).end();
    await expect(downloadTrivy(options())).rejects.toThrow("sends on to file:");
  });

  it("ends a download that hangs, and one that was cancelled", async () => {
    answer = (_request, response) => void response.writeHead(200).write("x");
    await expect(downloadTrivy(options({ deadlineMs: 200, attempts: 1 }))).rejects.toThrow(
      "was not there after 200 ms",
    );
    const abort = new AbortController();
    answer = (_request, response) => {
      response.writeHead(200).write("x");
      abort.abort(new Error("cancelled"));
    };
    await expect(downloadTrivy(options({ signal: abort.signal }))).rejects.toThrow("cancelled");
    expect(await leftovers()).toEqual([]);
  });

  it.each([
    ["no archive at all", async () => Buffer.from("<html>not found</html>")],
    ["an archive without the program", () => pack({ LICENSE: "x" })],
    ["an archive that ends in the middle", async () => (await pack({ trivy: "x".repeat(9_000) })).subarray(0, 60)],
  ])("tells of %s, whose checksum is right", async (_what, make) => {
    archive = await make();
    await expect(downloadTrivy(options())).rejects.toMatchObject({ obstacle: "no_scanner" });
    expect(await leftovers()).toEqual([]);
  });

  it("asks the proxy of the environment for what is not on this machine", async () => {
    const choice = { ...options().choice, mirror: "http://mirror.invalid/trivy" };
    const proxy = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await downloadTrivy(options({ choice, env: { HTTP_PROXY: proxy } }));
    expect(requests[0]).toMatch(/^http:\/\/mirror\.invalid\/trivy\/v0\.99\.1\//);
  });
});
