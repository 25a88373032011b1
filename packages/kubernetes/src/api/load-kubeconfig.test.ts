import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { temporaryFolder } from "@belay/testkit";
import { expect, test } from "vitest";
import { loadKubeconfig } from "./load-kubeconfig.ts";

const kubeconfig = (name: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server: `https://${name}.example` } }],
    users: [{ name, user: { token: "secret" } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  });

const serverOf = async (source: Parameters<typeof loadKubeconfig>[0]): Promise<string | undefined> =>
  (await loadKubeconfig(source)).getCurrentCluster()?.server;

test("a kubeconfig is what is given, else what kubectl would use", async () => {
  await using folder = await temporaryFolder();
  const file = async (name: string): Promise<string> => {
    await writeFile(join(folder.path, name), kubeconfig(name));
    return join(folder.path, name);
  };
  const [given, first, second] = [await file("given"), await file("first"), await file("second")];
  await mkdir(join(folder.path, ".kube"));
  await writeFile(join(folder.path, ".kube/config"), kubeconfig("home"));
  const home = { HOME: folder.path };
  expect(await serverOf({ kubeconfigText: kubeconfig("text"), env: home })).toBe("https://text.example");
  expect(await serverOf({ kubeconfig: given, env: { ...home, KUBECONFIG: first } })).toBe("https://given.example");
  const env = { ...home, KUBECONFIG: `${first}:${second}` };
  expect(await serverOf({ env })).toBe("https://first.example");
  expect(await serverOf({ env, context: "second" })).toBe("https://second.example");
  expect(await serverOf({ env: home })).toBe("https://home.example");
});

test("what can't be used is told with what can", async () => {
  await using folder = await temporaryFolder();
  const env = { HOME: folder.path };
  await expect(loadKubeconfig({ env })).rejects.toMatchObject({
    code: "INVALID_INPUT",
    next: expect.stringContaining("kubeconfig-data"),
  });
  const text = kubeconfig("shop");
  await expect(loadKubeconfig({ env, kubeconfigText: text, context: "other" })).rejects.toMatchObject({
    code: "INVALID_INPUT",
    next: "Legal values of `context`: shop.",
  });
  const lost = text.replace('"current-context":"shop"', '"current-context":"gone"');
  await expect(loadKubeconfig({ env, kubeconfigText: lost })).rejects.toMatchObject({
    next: expect.stringContaining("shop"),
  });
  await expect(loadKubeconfig({ env, kubeconfig: join(folder.path, "none") })).rejects.toMatchObject({
    code: "INVALID_INPUT",
  });
});

test.each([
  ["a line too far in", (good: string) => good.replace("    token", "   username: oops\n    token")],
  ["all in one line", (good: string) => good.replaceAll("\n", " ")],
  ["a key twice", (good: string) => `${good}    token: again\n`],
  ["a value that is an alias", (good: string) => good.replace("hunter2-", "*hunter2-")],
  ["a value that is a tag", (good: string) => good.replace("hunter2-", "!hunter2-")],
])("a mistake in YAML is told by its place and not by what stands there (%s)", async (_name, spoil) => {
  await using folder = await temporaryFolder();
  const good = "users:\n- name: u\n  user:\n    password: hunter2-very-secret\n    token: kubeconfig-u-abcde\n";
  const file = join(folder.path, "config");
  await writeFile(file, spoil(good));
  for (const source of [{ kubeconfig: file }, { kubeconfigText: spoil(good) }]) {
    const error = await loadKubeconfig({ ...source, env: {} }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ message: expect.stringMatching(/no valid YAML \(line \d, column \d+\)/) });
    expect(inspect(error)).not.toMatch(/hunter2|kubeconfig-u/);
  }
});
