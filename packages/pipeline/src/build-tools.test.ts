import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { ApplicationSettings } from "@belay/config";
import { temporaryFolder, waitUntil } from "@belay/testkit";
import { afterEach, expect, it, vi } from "vitest";
import { BuildTools } from "./build-tools.ts";
import { createContext } from "./testing/create-context.ts";
import type { BuildInputs } from "./use-case-inputs.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

const NOTHING_TO_BUILD = { application: "shop", services: {} } as unknown as ApplicationSettings;
const INPUTS = { githubToken: "" } as BuildInputs;

it("looks for nothing before it is told to, and is closed at once while an engine does not answer", async () => {
  await using folder = await temporaryFolder("belay-tools");
  const begun = join(folder.path, "begun");
  await writeFile(join(folder.path, "docker"), `#!/bin/sh\necho > '${begun}'\nexec sleep 600\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${folder.path}${delimiter}${process.env.PATH}`);
  vi.stubEnv("DOCKER_HOST", "tcp://engine.invalid:2376");
  const unasked = new BuildTools(createContext(folder.path), INPUTS, NOTHING_TO_BUILD);
  await unasked.close();
  expect(existsSync(begun)).toBe(false);

  const tools = new BuildTools(createContext(folder.path), INPUTS, NOTHING_TO_BUILD);
  const opening = tools.open().catch((error: unknown) => error);
  await waitUntil("docker was started", () => existsSync(begun), { withinMs: 60_000, everyMs: 20 });
  const started = performance.now();
  await tools.close();
  // Half of what connecting may take.
  expect(performance.now() - started).toBeLessThan(15_000);
  expect(await opening).toBeInstanceOf(Error);
});

it("tells why there is no builder only where it is asked", async () => {
  await using folder = await temporaryFolder("belay-tools");
  await writeFile(join(folder.path, "docker"), "#!/bin/sh\necho 'no such builder' >&2\nexit 1\n", { mode: 0o755 });
  const application = { application: "shop", services: { web: { build: {} } } } as unknown as ApplicationSettings;
  vi.stubEnv("PATH", `${folder.path}${delimiter}${process.env.PATH}`);
  vi.stubEnv("DOCKER_HOST", `unix://${folder.path}/none.sock`);
  const tools = new BuildTools(createContext(folder.path), { ...INPUTS, builder: "mine" }, application);
  const { builder, engine } = await tools.open();
  await expect(builder).rejects.toMatchObject({ code: "TOOL_MISSING" });
  await expect(engine.info()).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
  await tools.close();
});
