import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@belay/testkit";
import { expect, it } from "vitest";
import { isDefaultAddress } from "./context-address.ts";

it.for<[what: string, config: object, env: Readonly<Record<string, string>>, expected: boolean]>([
  ["nothing is written down", {}, {}, true],
  ["the default context is chosen", { currentContext: "default" }, {}, true],
  ["a context is chosen", { currentContext: "staging" }, {}, false],
  ["DOCKER_CONTEXT names one", {}, { DOCKER_CONTEXT: "staging" }, false],
  ["DOCKER_HOST names the engine", {}, { DOCKER_HOST: "unix:///run/other.sock" }, false],
])("the command line opens its default socket or not where %s", async ([, config, env, expected]) => {
  await using folder = await temporaryFolder("belay-docker-config");
  await writeFile(join(folder.path, "config.json"), JSON.stringify(config));
  const place = { env: { DOCKER_CONFIG: folder.path, ...env } };
  expect(await isDefaultAddress(place)).toBe(expected);
  expect(await isDefaultAddress({ ...place, host: "unix:///run/own.sock" })).toBe(false);
  expect(await isDefaultAddress({ ...place, context: "default" })).toBe(false);
});
