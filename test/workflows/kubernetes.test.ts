/**
 * The workflows of examples/kubernetes, byte for byte, run by act: a commit becomes objects of a real cluster by the account
 * that the example ships, a broken one is taken off again, and a rollback is asked for by hand. Looked at from outside with
 * nothing but kubectl.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Cluster, describeRun, stepOf, useKubernetes, type WorkflowRun, waitUntil } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { expectStatus } from "./expect-status.ts";
import { expectFaultTold, expectNoSecret, FAULT } from "./expect-told.ts";
import { type Seen, STAGE_MS, TOKEN, WorkflowStage } from "./workflow-stage.ts";

const FIRST = 7;
const SECOND = 8;
const NAMESPACE = "shop-staging";
const PASSWORD = "hunter2-of-the-database";

let cluster: Cluster;
let stage: WorkflowStage;
let token: string;
let first: string;
const runs: WorkflowRun[] = [];

beforeAll(async () => {
  cluster = await useKubernetes();
  await kubectl("create", "namespace", NAMESPACE);
  await waitUntil("the namespace has its account", hasAccount, { withinMs: 60_000 });
  token = await deployingToken();
  const kubeconfig = Buffer.from(await kubeconfigOf(token)).toString("base64");
  stage = await WorkflowStage.open({
    example: "kubernetes",
    secrets: { DATABASE_PASSWORD: PASSWORD, KUBECONFIG: kubeconfig },
  });
  await givePullSecret();
}, STAGE_MS);
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
  if (cluster !== undefined) await kubectl("delete", "namespace", NAMESPACE, "--wait=false");
  await cluster?.stop();
});

const kubectl = async (...args: string[]): Promise<string> => (await cluster.kubectl(args)).stdout;
const inNamespace = (...args: string[]): Promise<string> => kubectl("--namespace", NAMESPACE, ...args);
const apply = (object: object): Promise<unknown> =>
  cluster.kubectl(["--namespace", NAMESPACE, "apply", "--filename", "-"], { input: JSON.stringify(object) });

async function hasAccount(): Promise<boolean> {
  const args = ["--namespace", NAMESPACE, "get", "serviceaccount", "default"];
  return (await cluster.kubectl(args, { allowedExitCodes: [0, 1] })).exitCode === 0;
}

/** What the example's README tells an administrator to do. */
async function deployingToken(): Promise<string> {
  await inNamespace("apply", "--filename", join(import.meta.dirname, "../../examples/kubernetes/rbac.yaml"));
  const annotations = { "kubernetes.io/service-account.name": "belay" };
  const metadata = { name: "belay-token", annotations };
  await apply({ apiVersion: "v1", kind: "Secret", type: "kubernetes.io/service-account-token", metadata });
  let encoded = "";
  const filled = async (): Promise<boolean> => {
    encoded = await inNamespace("get", "secret", "belay-token", "--output", "jsonpath={.data.token}");
    return encoded !== "";
  };
  await waitUntil("the account has its token", filled, { withinMs: 60_000 });
  return Buffer.from(encoded, "base64").toString();
}

async function kubeconfigOf(bearer: string): Promise<string> {
  const text = await kubectl("config", "view", "--raw", "--minify", "--flatten", "--output", "json");
  const config = JSON.parse(text) as { users: { user: object }[] };
  for (const one of config.users) one.user = { token: bearer };
  return JSON.stringify(config);
}

/** The registry wants a login, so the cluster needs one of its own. */
async function givePullSecret(): Promise<void> {
  const config = await readFile(join(stage.engine.env.DOCKER_CONFIG ?? "", "config.json"), "utf8").catch(() => "{}");
  expect(JSON.parse(config)).not.toHaveProperty(["auths", stage.registry.address]);
  const auths = { [stage.registry.address]: { username: "ada", password: TOKEN } };
  await apply({
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/dockerconfigjson",
    metadata: { name: "registry" },
    stringData: { ".dockerconfigjson": JSON.stringify({ auths }) },
  });
  const metadata = { name: "default" };
  await apply({ apiVersion: "v1", kind: "ServiceAccount", metadata, imagePullSecrets: [{ name: "registry" }] });
}

async function run(name: string, eventName: "push" | "workflow_dispatch", event: object): Promise<WorkflowRun> {
  const ended = await stage.run({ workflow: `.github/workflows/${name}.yml`, eventName, event });
  runs.push(ended);
  return ended;
}

const push = (sha: string): Promise<WorkflowRun> => run("deploy", "push", { ref: "refs/heads/main", after: sha });

interface Pod {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly containers: readonly { readonly image: string }[] };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** What kubectl shows of the Deployment's pods that are ready. */
async function look(): Promise<Seen> {
  const text = await inNamespace("get", "pods", "--selector", "app.kubernetes.io/name=web", "--output", "json");
  const pods = (JSON.parse(text) as { items: Pod[] }).items.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status.conditions?.some((one) => one.type === "Ready" && one.status === "True"),
  );
  const images = [...new Set(pods.flatMap((pod) => pod.spec.containers.map((one) => one.image)))];
  return { ids: pods.map((pod) => pod.metadata.uid).sort(), images, commits: await stage.commitsOf(images) };
}

/** What a visitor of the Service gets. */
async function visit(): Promise<string> {
  const address = await inNamespace("get", "service", "web", "--output", "jsonpath={.spec.clusterIP}");
  let page = "";
  const answers = async (): Promise<boolean> => {
    const answer = await fetch(`http://${address}/`).catch(() => undefined);
    page = (await answer?.text()) ?? "";
    return answer?.status === 200;
  };
  await waitUntil("the shop answers", answers, { withinMs: 30_000 });
  return page;
}

it("puts a commit onto the cluster, its migration first, by the account of the example", async () => {
  first = await stage.commit(FIRST, "Open the shop", "web/shop.mjs", (text) => text);
  const ended = await push(first);
  expect(ended.conclusion, describeRun(ended)).toBe("success");
  const { outputs, summary } = stepOf(ended, "staging", "deploy");
  const seen = await look();
  expect(outputs).toMatchObject({ outcome: "succeeded", "exit-code": "0", deployment: "1" });
  expect(seen.ids).toHaveLength(3);
  expect(seen.commits).toEqual([first]);
  expect(seen.images).toEqual([stepOf(ended, "staging", "push").outputs.image]);
  expect(seen.images[0]).toMatch(/^127\.0\.0\.1:\d+\/acme\/shop-web@sha256:[0-9a-f]{64}$/);
  expect(outputs.running).toContain(seen.images[0]);
  expect(await inNamespace("get", "jobs", "--output", "jsonpath={.items[*].status.succeeded}")).toBe("1");
  expect(await visit()).toContain("Welcome to the shop");
  expect(summary).toContain(first.slice(0, 7));
  expect(stage.states()).toEqual(["success"]);
});

it("takes a broken commit off again and tells its pull request why", async () => {
  const before = await look();
  const broken = await stage.commit(SECOND, "Read prices from a file", "web/server.mjs", (text) => text + FAULT);
  const ended = await push(broken);
  expect(ended.conclusion, describeRun(ended)).toBe("failure");
  const { result, outputs, annotations, summary } = stepOf(ended, "staging", "deploy");
  expect(result).toBe("failure");
  expect(outputs).toMatchObject({ outcome: "rolled_back", "exit-code": "4", deployment: "2", cause: "crash_loop" });
  expect(outputs.running).toContain(before.images[0]);
  expect(annotations.some((note) => note.level === "error")).toBe(true);
  expect(await look()).toEqual(before);
  expect(await visit()).toContain("Welcome to the shop");
  expectFaultTold(stage, SECOND, summary, before);
});

it("goes on with a good one, and back when somebody asks for it", async () => {
  await stage.repository.git("revert", "--no-edit", "HEAD");
  const second = await stage.commit(SECOND, "Greet climbers", "web/shop.mjs", (text) =>
    text.replace("the shop", "the climbers' shop"),
  );
  const better = await push(second);
  expect(better.conclusion, describeRun(better)).toBe("success");
  expect((await look()).commits).toEqual([second]);
  expect(await visit()).toContain("the climbers' shop");

  const inputs = { environment: "staging", to: "previous", reason: "prices are wrong" };
  const back = await run("rollback", "workflow_dispatch", { ref: "refs/heads/main", inputs });
  expect(back.conclusion, describeRun(back)).toBe("success");
  const { outputs } = stepOf(back, "rollback", "rollback");
  expect(outputs).toMatchObject({ outcome: "succeeded", "rolled-back-to": "1", deployment: "4", revision: first });
  expect((await look()).commits).toEqual([first]);
  expect(await visit()).toContain("Welcome to the shop");
  expect(stage.github.comments(FIRST)[0]?.body).toContain("Rolled back to deployment 1, healthy");
  expect(stage.states().at(-1)).toBe("success");
});

it("tells on the command line what runs", async () => {
  const env = { BELAY_KUBECONFIG_DATA: await kubeconfigOf(token) };
  expectStatus(await stage.status(env), { seen: await look(), deployment: 4, by: "ada", rolledBackTo: 1 });
});

it("shows no secret anywhere", () => {
  // The token is inside of a secret, where nobody but Belay can mask it.
  expectNoSecret(stage, runs, [FIRST, SECOND], [token, PASSWORD]);
});
