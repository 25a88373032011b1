import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { isStatus, type KubernetesApi } from "@belay/kubernetes";
import { useKubernetes, waitUntil } from "@belay/testkit";
import { describe, test, vi } from "vitest";
import { base64, ClusterUser } from "./cluster-user.ts";

/* Every way in to a cluster, on a real API server, which says itself who came. */

vi.setConfig({ maxConcurrency: 4 });

let count = 0;

/** The tests share a cluster; in each somebody else comes to it. */
const it = test
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's needs from the text of its first parameter.
  .extend("cluster", { scope: "file" }, async ({}, { onCleanup }) => {
    const cluster = await useKubernetes();
    onCleanup(() => cluster.stop());
    return cluster;
  })
  .extend("user", async ({ cluster }, { onCleanup }) => {
    const user = await ClusterUser.create(cluster, `belay-access-${process.pid}-${++count}`);
    onCleanup(() => user.remove());
    return user;
  });

interface UserInfo {
  readonly username: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

async function review(api: KubernetesApi): Promise<UserInfo> {
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
  const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  return (await api.request<{ status: { userInfo: UserInfo } }>("POST", path, { body })).status.userInfo;
}

async function whoIs(api: KubernetesApi): Promise<string> {
  return (await review(api)).username;
}

const ada = (user: ClusterUser): string => `system:serviceaccount:${user.namespace}:ada`;
const GONE = { withinMs: 120_000, everyMs: 500 };

describe.concurrent("a kubeconfig", () => {
  it("lets in by certificates in files beside it, in the context that is asked for, with that context's namespace", async ({
    user,
    expect,
  }) => {
    await user.write("ca.crt", user.authority);
    await user.write("me.crt", user.certificate);
    await user.write("me.key", user.key);
    const named = { "client-certificate": "me.crt", "client-key": "me.key" };
    const text = user.kubeconfig(named, { "certificate-authority": "ca.crt" }, { namespace: user.namespace });
    const config = JSON.parse(text) as {
      clusters: { cluster: object }[];
      contexts: { name: string; context: object }[];
    };
    for (const { cluster: one } of config.clusters)
      delete (one as Record<string, unknown>)["certificate-authority-data"];
    config.contexts.push({ name: "nobody", context: { cluster: "real", user: "nobody" } });
    const kubeconfig = await user.write("config", JSON.stringify({ ...config, "current-context": "nobody" }));
    await using found = await user.connect({ kubeconfig, context: "here" });
    expect(await whoIs(found.api)).toBe("admin");
    expect(found.api.namespace).toBe(user.namespace);
  });

  it("may make somebody else of its user, with groups", async ({ user, expect }) => {
    const own = { "client-certificate-data": base64(user.certificate), "client-key-data": base64(user.key) };
    const by = { ...own, as: "bob", "as-groups": ["climbers", "cooks"], "as-user-extra": { "team/role": ["lead"] } };
    await using found = await user.connect({ kubeconfigText: user.kubeconfig(by) });
    expect(await review(found.api)).toMatchObject({
      username: "bob",
      groups: expect.arrayContaining(["climbers", "cooks"]),
      extra: { "team/role": ["lead"] },
    });
  });

  it("may name a server by another name than its certificate has, if it says so", async ({ user, expect }) => {
    const by = { token: await user.token("bond") };
    const server = `https://localhost.localdomain:${user.server.port}`;
    await using proxy = await startHttpProxy(user.server.hostname);
    const wrong = { server, "proxy-url": proxy.url };
    await expect(user.connect({ kubeconfigText: user.kubeconfig(by, wrong) })).rejects.toMatchObject({
      code: "ENGINE_TLS",
    });
    const right = { ...wrong, "tls-server-name": "kubernetes.default.svc" };
    await using found = await user.connect({ kubeconfigText: user.kubeconfig(by, right) });
    expect(await whoIs(found.api)).toBe(ada(user));
    expect(proxy.asked()).toEqual([`localhost.localdomain:${user.server.port}`]);
    const env = { HTTPS_PROXY: proxy.url, NO_PROXY: "other.example" };
    await using other = await user.connect({ kubeconfigText: user.kubeconfig(by), env });
    expect(await whoIs(other.api)).toBe(ada(user));
    expect(proxy.asked()).toContain(user.server.host);
  });

  it("that trusts everybody is warned of, and one that trusts somebody else is refused", async ({ user, expect }) => {
    const by = { token: await user.token("bond") };
    const stranger = base64(user.certificate);
    await expect(
      user.connect({ kubeconfigText: user.kubeconfig(by, { "certificate-authority-data": stranger }) }),
    ).rejects.toMatchObject({ code: "ENGINE_TLS" });
    await using found = await user.connect({
      kubeconfigText: user.kubeconfig(by, { "insecure-skip-tls-verify": true }),
    });
    expect(await whoIs(found.api)).toBe(ada(user));
    expect(found.log.text()).toMatch(/warn: the certificate of \S+ is not checked/);
  });

  it("is looked for in several files, of which the first has the say, and which need not all be there", async ({
    user,
    expect,
  }) => {
    const own = await user.write("own", user.kubeconfig({ token: await user.token("bond") }));
    const other = await user.write(
      "other",
      user.kubeconfig({ token: "of somebody else" }, { server: "https://0.0.0.0" }),
    );
    const KUBECONFIG = [join(user.folder, "none"), own, other].join(":");
    await using found = await user.connect({ env: { KUBECONFIG } });
    expect(await whoIs(found.api)).toBe(ada(user));
  });
});

const ANSWER = `printf '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": %s}'`;

/** `users[].user` with a plugin that counts its calls in `calls`, and gives what `status.json` has. */
async function pluginUser(
  user: ClusterUser,
  script = `${ANSWER} "$(cat status.json)"`,
  more: object = {},
): Promise<object> {
  await user.program("plugin.sh", `echo "$KUBERNETES_EXEC_INFO" >> calls\n${script}`);
  return { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "./plugin.sh", ...more } };
}

async function calls(user: ClusterUser): Promise<readonly string[]> {
  return (await user.read("calls")).trim().split("\n");
}

const file = async (user: ClusterUser, by: object): Promise<{ kubeconfig: string }> => ({
  kubeconfig: await user.write("config", user.kubeconfig(by)),
});

describe.concurrent("a credential plugin", () => {
  it("is called once for many requests, and again when what it gave is refused", async ({ user, expect }) => {
    const [first, second] = [await user.token("first"), await user.token("second")];
    await user.write("status.json", JSON.stringify({ token: first }));
    const by = await pluginUser(user, undefined, { provideClusterInfo: true });
    await using found = await user.connect(await file(user, by));
    expect(await Promise.all(Array.from({ length: 8 }, () => whoIs(found.api)))).toEqual(Array(8).fill(ada(user)));
    expect((await calls(user)).map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        apiVersion: "client.authentication.k8s.io/v1",
        kind: "ExecCredential",
        spec: {
          interactive: false,
          cluster: { server: user.server.origin, "certificate-authority-data": base64(user.authority) },
        },
      },
    ]);
    await user.write("status.json", JSON.stringify({ token: second }));
    await user.kubectl("delete", "secret", "first");
    // The API server believes a token for some seconds without looking again.
    await waitUntil(
      "the first token is refused",
      async () => (await whoIs(found.api)) !== "" && (await calls(user)).length > 1,
      GONE,
    );
    expect(await whoIs(found.api)).toBe(ada(user));
    expect(await calls(user)).toHaveLength(2);
    expect(found.redactor.redact(`${first} ${second}`)).toBe("*** ***");
  });

  it("is called again when what it gave has expired, and not before", async ({ user, expect }) => {
    const token = await user.token("bond");
    const status = (ms: number) =>
      JSON.stringify({ token, expirationTimestamp: new Date(Date.now() + ms).toISOString() });
    await user.write("status.json", status(3_000));
    await using found = await user.connect(await file(user, await pluginUser(user)));
    await user.write("status.json", status(3_600_000));
    await waitUntil(
      "it is called again",
      async () => (await whoIs(found.api)) !== "" && (await calls(user)).length > 1,
      GONE,
    );
    await whoIs(found.api);
    expect(await calls(user)).toHaveLength(2);
  });

  it("may give a certificate, and another one later, that new connections are opened with", async ({
    user,
    expect,
  }) => {
    const certificate = { clientCertificateData: user.certificate, clientKeyData: user.key };
    const soon = new Date(Date.now() + 2_000).toISOString();
    await user.write("status.json", JSON.stringify({ ...certificate, expirationTimestamp: soon }));
    await using found = await user.connect(await file(user, await pluginUser(user)));
    expect(await whoIs(found.api)).toBe("admin");
    await user.write("status.json", JSON.stringify({ token: await user.token("bond") }));
    await waitUntil("somebody else comes", async () => (await whoIs(found.api)) === ada(user), GONE);
    expect(found.redactor.redact(user.key)).toBe("***");
  });

  it("that fails is told with what it wrote on stderr, without its secrets", async ({ user, expect }) => {
    const env = [{ name: "CLOUD_SECRET", value: "correct-horse" }];
    const script = `${ANSWER} '{"token": "battery-staple"}'; echo "no session for battery-staple, $CLOUD_SECRET" >&2; exit 7`;
    const failure = await user
      .connect(await file(user, await pluginUser(user, script, { env })))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "ENGINE_FORBIDDEN",
      doing: expect.stringContaining("plugin.sh"),
      got: expect.stringMatching(/exit code 7 and wrote on stderr:\nno session for \*\*\*, \*\*\*/),
    });
  });

  it("that answers wrong is told what is wrong with it", async ({ user, expect }) => {
    for (const [script, got] of [
      ["echo no", "its answer is no JSON object"],
      [`${ANSWER} '{}'`, "neither a token nor a client certificate"],
      [`${ANSWER} '{"clientKeyData": "k-e-y"}'`, "without the other"],
      [`echo '{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential"}'`, "v1beta1"],
    ] as const) {
      await expect(user.connect(await file(user, await pluginUser(user, script)))).rejects.toMatchObject({
        code: "ENGINE_FORBIDDEN",
        got: expect.stringContaining(got),
      });
    }
  });

  it("that is not there, or wants a terminal, is told with what to do", async ({ user, expect }) => {
    const installHint = "Install it from https://cloud.example/cli";
    const missing = { command: "no-such-cloud-cli", installHint };
    await expect(user.connect(await file(user, await pluginUser(user, "", missing)))).rejects.toMatchObject({
      code: "TOOL_MISSING",
      got: expect.stringContaining("no-such-cloud-cli"),
      next: installHint,
    });
    await expect(
      user.connect(await file(user, await pluginUser(user, "", { interactiveMode: "Always" }))),
    ).rejects.toMatchObject({
      got: expect.stringContaining("there is no terminal"),
    });
  });
});

describe.concurrent("a token in a file", () => {
  it("is read again when the kubelet has written another, also in a pod's own account", async ({ user, expect }) => {
    await user.write("ca.crt", user.authority);
    await user.write("namespace", user.namespace);
    const first = await user.token("first");
    await user.write("token", `${first}\n`);
    const env = {
      HOME: user.folder,
      KUBERNETES_SERVICE_HOST: user.server.hostname,
      KUBERNETES_SERVICE_PORT: user.server.port,
    };
    await using inside = await user.connect({ env, accountFolder: user.folder });
    await using outside = await user.connect(await file(user, { tokenFile: "token" }));
    const both = [inside, outside];
    for (const { api } of both) expect(await whoIs(api)).toBe(ada(user));
    expect(inside.api.namespace).toBe(user.namespace);
    const second = await user.token("second");
    await user.write("token", second);
    await user.kubectl("delete", "secret", "first");
    const alone = { kubeconfigText: user.kubeconfig({ token: first }) };
    const isRefused = () =>
      user.connect(alone).then(
        ({ api }) => api.close().then(() => false),
        (error: unknown) => isStatus(error, 401),
      );
    await waitUntil("the first token is refused", isRefused, GONE);
    for (const { api, redactor } of both) {
      expect(await whoIs(api)).toBe(ada(user));
      expect(redactor.redact(second)).toBe("***");
    }
  });
});

interface HttpProxy extends AsyncDisposable {
  readonly url: string;
  /** Where it was asked to go. */
  asked(): readonly string[];
}

/** Passes on what CONNECT asks for, whatever the name is, to a host. */
async function startHttpProxy(host: string): Promise<HttpProxy> {
  const asked = new Set<string>();
  const sockets = new Set<Duplex>();
  const server = createServer().on("connect", ({ url = "" }, near: Duplex) => {
    asked.add(url);
    const far = connect({ host, port: Number(url.split(":").at(-1)) }, () => {
      near.write("HTTP/1.1 200 OK\r\n\r\n");
      near.pipe(far).pipe(near);
    });
    sockets.add(near).add(far);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, asked: () => [...asked], [Symbol.asyncDispose]: stop };
}
