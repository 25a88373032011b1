import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@belay/testkit";
import { afterEach, expect, it, vi } from "vitest";
import { registerKnownSecrets, registerSecrets } from "./register-secrets.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

it("tells every value before a build, and what is missing by its name", async () => {
  await using folder = await temporaryFolder("belay-secrets");
  const file = join(folder.path, "key");
  await writeFile(file, "line one\nline two\n");
  const seen: string[] = [];
  const services = (secrets: Record<string, { env: string } | { file: string }>) =>
    [["web", { names: {}, build: { context: ".", args: {}, platforms: [], secrets } }]] as const;
  const sources = { env: { NPM_TOKEN: "value of it" }, onSecret: (value: string) => seen.push(value) };
  await registerSecrets(services({ npm: { env: "NPM_TOKEN" }, key: { file } }), sources);
  expect(seen).toEqual(["value of it", "line one\nline two\n"]);
  const unset = registerSecrets(services({ npm: { env: "BELAY_TEST_UNSET" } }), sources);
  await expect(unset).rejects.toMatchObject({
    code: "INVALID_INPUT",
    got: "the environment variable BELAY_TEST_UNSET is not set",
  });
  const none = registerSecrets(services({ key: { file: join(folder.path, "none") } }), sources);
  await expect(none).rejects.toMatchObject({ code: "INVALID_INPUT" });
});

it("tells those that are there where none is needed", async () => {
  vi.stubEnv("BELAY_TEST_SET", "value of it");
  const seen: string[] = [];
  const secrets = { gone: { env: "BELAY_TEST_UNSET" }, npm: { env: "BELAY_TEST_SET" }, key: { file: "/nowhere/key" } };
  const services = [["web", { names: {}, build: { context: ".", args: {}, platforms: [], secrets } }]] as const;
  await registerKnownSecrets(services, { onSecret: (value) => seen.push(value) });
  expect(seen).toEqual(["value of it"]);
});
