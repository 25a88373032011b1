import { Redactor, systemClock } from "@belay/core";
import { expect, test } from "vitest";
import { ClusterAccess } from "./cluster-access.ts";
import { loadKubeconfig } from "./load-kubeconfig.ts";

const KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAxyz\n-----END PRIVATE KEY-----\n";
const KEY_DATA = Buffer.from(KEY).toString("base64");

test.each([
  ["a token", { token: "eyJhbGciOi-token" }, ["eyJhbGciOi-token"]],
  ["a password", { username: "admin", password: "hunter2-very-secret" }, ["hunter2-very-secret"]],
  ["a password of digits", { username: "admin", password: 12_345_678 }, ["12345678"]],
  ["a key", { "client-key-data": KEY_DATA }, [KEY_DATA, KEY.split("\n")[1] ?? ""]],
  [
    "an auth-provider",
    { "auth-provider": { name: "oidc", config: { "id-token": "eyJ-id-token", "client-secret": "s3cret-client" } } },
    ["eyJ-id-token", "s3cret-client"],
  ],
])("whoever signs in with %s of a kubeconfig has told it to the redactor", async (_name, user, secrets) => {
  const text = JSON.stringify({
    clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1" } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
  const redactor = new Redactor();
  const config = await loadKubeconfig({ kubeconfigText: text, env: {} });
  await ClusterAccess.open(config, { redactor, clock: systemClock, env: {} });
  for (const secret of secrets) expect(redactor.redact(`x ${secret} y`)).toBe("x *** y");
  expect(redactor.redact("admin u c x")).toBe("admin u c x");
});
