import { writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { ApplicationSettings } from "@belay/config";
import { temporaryFolder } from "@belay/testkit";
import { afterEach, expect, it, vi } from "vitest";
import type { BuildInputs } from "../run/use-case-inputs.ts";
import { createContext } from "../testing/create-context.ts";
import { BuildTools } from "./build-tools.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

const INPUTS = { githubToken: "" } as BuildInputs;

it("tells why there is no builder only where it is asked", async () => {
  await using folder = await temporaryFolder("belay-tools");
  await writeFile(join(folder.path, "docker"), "#!/bin/sh\necho 'no such builder' >&2\nexit 1\n", { mode: 0o755 });
  const application = { application: "shop", services: { web: { build: {} } } } as unknown as ApplicationSettings;
  vi.stubEnv("PATH", `${folder.path}${delimiter}${process.env.PATH}`);
  vi.stubEnv("DOCKER_HOST", `unix://${folder.path}/none.sock`);
  vi.stubEnv("DOCKER_CONFIG", folder.path);
  const tools = new BuildTools(createContext(folder.path), { ...INPUTS, builder: "mine" }, application);
  const { builder, engine } = await tools.open();
  await expect(builder).rejects.toMatchObject({ code: "TOOL_MISSING" });
  await expect(engine.info()).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
  await tools.close();
});
