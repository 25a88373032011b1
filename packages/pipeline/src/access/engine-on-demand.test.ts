import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { temporaryFolder, waitUntil } from "@belay/testkit";
import { afterEach, expect, it, vi } from "vitest";
import { createContext } from "../testing/create-context.ts";
import { EngineOnDemand } from "./engine-on-demand.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

it("dials nothing before it is asked, and is closed at once while an engine does not answer", async () => {
  await using folder = await temporaryFolder("belay-demand");
  const begun = join(folder.path, "begun");
  await writeFile(join(folder.path, "docker"), `#!/bin/sh\necho > '${begun}'\nexec sleep 600\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${folder.path}${delimiter}${process.env.PATH}`);
  vi.stubEnv("DOCKER_HOST", "tcp://engine.invalid:2376");
  const unasked = new EngineOnDemand(createContext(folder.path));
  await unasked.close();
  expect(existsSync(begun)).toBe(false);

  const engine = new EngineOnDemand(createContext(folder.path));
  const found = engine.find();
  await waitUntil("docker was started", () => existsSync(begun), { withinMs: 60_000, everyMs: 20 });
  const started = performance.now();
  await engine.close();
  // Half of what connecting may take.
  expect(performance.now() - started).toBeLessThan(15_000);
  expect(await found).toBeUndefined();
});
