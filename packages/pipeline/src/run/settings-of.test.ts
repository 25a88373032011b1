import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Inputs } from "@belay/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deploy } from "../deploy/deploy.ts";
import { plan } from "../deploy/plan.ts";
import { reconcile } from "../deploy/reconcile.ts";
import { rollback } from "../deploy/rollback.ts";
import { report } from "../report/report.ts";
import { status } from "../status/status.ts";
import { createContext } from "../testing/create-context.ts";
import { loadRollbackInputs } from "./use-case-inputs.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-settings-"));
  // Nobody listens there: what comes so far has read its settings.
  const lines = [
    "version: 1",
    "application: shop",
    "services: { web: { image: ghcr.io/acme/shop } }",
    "environments:",
    "  staging:",
    `    target: { kind: compose, host: "unix://${folder}/none.sock", files: [compose.yaml] }`,
    "    secrets: { DB_PASSWORD: { env: DB_PASSWORD } }",
  ];
  await writeFile(join(folder, "belay.yaml"), `${lines.join("\n")}\n`);
});
afterEach(() => rm(folder, { recursive: true }));

describe("a secret that belay.yaml names and the run was not given", { timeout: 60_000 }, () => {
  const inputs = loadRollbackInputs(new Inputs(() => undefined));
  const context = () => createContext(folder, { RUNNER_TEMP: folder });

  it.each([
    ["rollback", () => rollback(context(), inputs)],
    ["status", () => status(context(), inputs)],
    ["report", () => report(context(), inputs)],
    ["reconcile", () => reconcile(context(), inputs)],
  ])("is not asked for by %s", async (_, work) => {
    await expect(work()).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
  });

  it.each([
    ["deploy", () => deploy(context(), inputs)],
    ["plan", () => plan(context(), inputs)],
  ])("is asked for by %s", async (_, work) => {
    await expect(work()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("DB_PASSWORD"),
    });
  });
});
