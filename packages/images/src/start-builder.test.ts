import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BelayError, createRunner, Redactor } from "@belay/core";
import { createTestLog } from "@belay/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Builder } from "./builder.ts";
import { startBuilder } from "./start-builder.ts";

const IN_CLUSTER: Builder = { kind: "buildx", driver: "kubernetes", name: "own" };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-start-builder-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Starts it with a docker command line that writes its arguments down and then does this. */
async function start(builder: Builder, then: string, more: { signal?: AbortSignal; deadlineMs?: number } = {}) {
  const command = join(folder, "docker");
  const called = join(folder, "called");
  await writeFile(command, `#!/bin/sh\necho "$@" > ${called}\n${then}\n`);
  await chmod(command, 0o755);
  const log = createTestLog();
  const cli = { runner: createRunner(new Redactor()), command };
  await startBuilder(cli, builder, log, more.signal, more.deadlineMs);
  return { called: await readFile(called, "utf8").catch(() => undefined), log: log.text() };
}

it("starts a builder in a cluster, and leaves it to the build to tell why one does not start", async () => {
  const called = "buildx inspect --bootstrap own\n";
  expect(await start(IN_CLUSTER, "exit 0")).toEqual({ called, log: "" });
  expect(await start(IN_CLUSTER, "exit 1")).toEqual({ called, log: "" });
});

it("waits for it no longer than its deadline", async () => {
  const { log } = await start(IN_CLUSTER, "exec sleep 600", { deadlineMs: 500 });
  expect(log).toMatch(/warn.*The builder own has not started after 0\.5 s: the builds try it themselves/);
});

it("ends with the run", async () => {
  const signal = AbortSignal.abort(new BelayError("TIMED_OUT", { doing: "building", got: "time is up" }));
  await expect(start(IN_CLUSTER, "exec sleep 600", { signal })).rejects.toThrow("time is up");
});

it("has nothing to do with other drivers", async () => {
  expect((await start({ ...IN_CLUSTER, driver: "docker-container" }, "exit 0")).called).toBeUndefined();
});
