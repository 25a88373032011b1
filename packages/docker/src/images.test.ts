import { inspect } from "node:util";
import { isBelayError } from "@belay/core";
import { type FakeDocker, type FakeDockerOptions, startFakeDocker } from "@belay/testkit";
import { afterEach, describe, expect, test } from "vitest";
import { connectDocker, type Docker } from "./connect-docker.ts";

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

async function fake(options: FakeDockerOptions = {}): Promise<FakeDocker> {
  const docker = await startFakeDocker(options);
  open.push({ close: () => docker.stop() });
  return docker;
}

async function connect(engine: FakeDocker): Promise<Docker> {
  const docker = await connectDocker({ cli: engine.cli });
  open.push(docker);
  return docker;
}

const json = (value: unknown): string => JSON.stringify(value);

describe("progress streams", () => {
  const stream = (lines: readonly object[]) => (request: unknown, response: import("node:http").ServerResponse) => {
    response.end(lines.map((line) => `${json(line)}\n`).join(""));
    return request;
  };

  test("a push tells its digest, and its tag and credentials travel where they belong", async () => {
    const engine = await fake({ answer: stream([{ status: "Pushing" }, { aux: { Tag: "1", Digest: "sha256:ab" } }]) });
    const docker = await connect(engine);
    const seen: unknown[] = [];
    const pushed = await docker.images.push("host:5000/shop/web:1", {
      onProgress: (message) => seen.push(message.status),
    });
    expect(pushed.digest).toBe("sha256:ab");
    expect(seen).toEqual(["Pushing", undefined]);
    expect(engine.requests.at(-1)).toBe("POST /v1.43/images/host%3A5000/shop/web/push?tag=1");
  });

  test("a push tells its digest too where only a line of text has it", async () => {
    const digest = `sha256:${"ab".repeat(32)}`;
    const engine = await fake({ answer: stream([{ status: `1: digest: ${digest} size: 422` }]) });
    expect(await (await connect(engine)).images.push("host:5000/a:1")).toEqual({ digest });
  });

  test("a printed error does not hold the credentials that were on the way", async () => {
    const engine = await fake({ answer: (request) => request.socket.destroy() });
    const docker = await connect(engine);
    const auth = { username: "u", password: "hunter2-secret" };
    const error: unknown = await docker.images.push("host:5000/a:1", { auth }).catch((thrown: unknown) => thrown);
    expect(isBelayError(error, "ENGINE_UNREACHABLE")).toBe(true);
    const printed = inspect(error, { depth: 20 });
    expect(printed).not.toContain("hunter2");
    expect(printed).not.toContain(Buffer.from(JSON.stringify(auth)).toString("base64").slice(0, 20));
  });

  test("an error inside a stream with status 200 is an error", async () => {
    const engine = await fake({
      answer: stream([{ status: "x" }, { errorDetail: { code: 401, message: "denied" }, error: "denied" }]),
    });
    const docker = await connect(engine);
    await expect(docker.images.pull("a:1")).rejects.toMatchObject({ status: 401, engineMessage: "denied" });
  });

  test("a stream that is cut inside a line is an error", async () => {
    const engine = await fake({
      answer: (request, response) => {
        response.write(`${json({ status: "x" })}\n{"sta`, () => request.socket.destroySoon());
      },
    });
    const docker = await connect(engine);
    await expect(docker.images.pull("a:1")).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
  });

  test.each([
    ["host:5000/a/b", "fromImage=host%3A5000%2Fa%2Fb&tag=latest"],
    ["a:1", "fromImage=a&tag=1"],
    ["a@sha256:0f", "fromImage=a&tag=sha256%3A0f"],
    ["a:1@sha256:0f", "fromImage=a&tag=sha256%3A0f"],
  ])("pulls %s", async (reference, query) => {
    const engine = await fake({ answer: stream([]) });
    await (await connect(engine)).images.pull(reference);
    expect(engine.requests.at(-1)).toBe(`POST /v1.43/images/create?${query}`);
  });
});
