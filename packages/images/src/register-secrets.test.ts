import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@belay/testkit";
import { expect, it } from "vitest";
import { registerSecrets } from "./register-secrets.ts";

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
