import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { OUTCOMES } from "@belay/core";
import { startTcpProxy, type TcpProxy, temporaryFolder, waitUntil } from "@belay/testkit";
import { describe, expect } from "vitest";
import { type BundleOptions, type BundleResult, runBundle } from "../bundles/run-bundle.ts";
import { it, ready, type Shop, templateOf, workload } from "../engines/kubernetes-space.ts";
import { deploymentOf } from "../engines/manifest-shop.ts";

/* The action's step on a cluster is killed as a runner kills it, and its `post:` step finds what it left. */

const IMAGE = "{.spec.template.spec.containers[0].image}";
/** A job of GitHub Actions, without a repository: there is no GitHub to tell. */
const ENV = { GITHUB_ACTIONS: "true", GITHUB_RUN_ID: "4242", GITHUB_RUN_ATTEMPT: "1", GITHUB_JOB: "test" } as const;
const KILLED = -1;
const VERSION = "{.metadata.uid} {.metadata.generation} {.metadata.annotations}";

type Entry = "deploy/index" | "deploy/post" | "rollback/index";
type Inputs = Readonly<Record<string, string>>;
type Next = `good${number}` | "wrong-command";
/** Who brought what runs: kubectl, or Belay from files of the repository. */
type Source = "workload" | "files";

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { server: string } }[];
}

/** A step of the deploy action, as it stands in a job on this namespace. */
class Job {
  readonly #shop: Shop;
  readonly #folder: string;
  readonly #files: readonly string[] | undefined;

  constructor(shop: Shop, folder: string, files?: readonly string[]) {
    this.#shop = shop;
    this.#folder = folder;
    this.#files = files;
  }

  async write(variant: Next): Promise<void> {
    const release = await this.#shop.release({ web: variant });
    const belay = {
      version: 1,
      application: "shop",
      services: { web: { image: release.services.web?.repository } },
      environments: {
        test: {
          target: { kind: "kubernetes", namespace: this.#shop.scope.project, files: this.#files },
          // The way back is watched for as long, so that the kill comes in time on a busy machine.
          rollout: { stable: "10s", start: "90s", deadline: "150s" },
        },
      },
    };
    await writeFile(join(this.#folder, "belay.yaml"), JSON.stringify(belay));
    await writeFile(join(this.#folder, "release.json"), JSON.stringify(release));
  }

  /** It is sent `signal` as soon as its log says `at`. */
  main(at: string, signal: NodeJS.Signals = "SIGKILL", inputs: Inputs = {}): Promise<BundleResult> {
    return this.step("deploy/index", inputs, { kill: { signal, when: (stdout) => stdout.includes(at) } });
  }

  post(main: BundleResult, inputs: Inputs = {}): Promise<BundleResult> {
    const state = Object.entries(main.state).map(([key, is]) => [`STATE_${key}`, is]);
    return this.step("deploy/post", inputs, { env: Object.fromEntries(state) });
  }

  /** A release that nothing disturbs. */
  async bring(variant: Next): Promise<void> {
    await this.write(variant);
    const done = await this.step("deploy/index", { stable: "1s" });
    expect(done.outputs, done.stdout).toMatchObject({ outcome: "succeeded" });
  }

  step(entry: Entry, inputs: Inputs, { env, ...more }: BundleOptions = {}): Promise<BundleResult> {
    const { kubeconfig } = this.#shop.cluster;
    const release = entry === "rollback/index" ? {} : { release: "release.json" };
    return runBundle(entry, {
      cwd: this.#folder,
      inputs: { ...release, comment: "false", ...inputs },
      env: { ...ENV, KUBECONFIG: kubeconfig, ...env },
      ...more,
    });
  }

  /** From somebody's terminal: no job, and nobody knows that the run is over. */
  reconcile(): Promise<BundleResult> {
    const env = { KUBECONFIG: this.#shop.cluster.kubeconfig };
    return runBundle("cli/index", { cwd: this.#folder, args: ["reconcile", "--environment", "test"], env });
  }

  /** A way to the cluster that can be held up, and the kubeconfig for it. The API server's certificate is good for loopback, too. */
  async detour(): Promise<{ readonly network: TcpProxy; readonly kubeconfig: string }> {
    const config = JSON.parse(await readFile(this.#shop.cluster.kubeconfig, "utf8")) as Kubeconfig;
    const { hostname: host, port } = new URL(config.clusters[0]?.cluster.server ?? "");
    const network = await startTcpProxy({ host, port: Number(port) });
    for (const { cluster } of config.clusters) cluster.server = `https://127.0.0.1:${network.port}`;
    const kubeconfig = join(this.#folder, "kubeconfig");
    await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
    return { network, kubeconfig };
  }
}

type OnTestFinished = (work: () => Promise<void>) => void;

/** A job on what kubectl has brought, the first release, or on files of its repository, of which nothing runs yet. */
async function openJob(shop: Shop, onTestFinished: OnTestFinished, from: Source): Promise<Job> {
  const folder = await temporaryFolder("belay-job");
  onTestFinished(() => folder.remove());
  if (from === "files") {
    // The image's name stands for that of the release.
    await writeFile(join(folder.path, "web.yaml"), deploymentOf("web"));
    return new Job(shop, folder.path, ["web.yaml"]);
  }
  await shop.apply([workload("Deployment", { replicas: 2, template: templateOf(await shop.image("good1")) })]);
  await ready(shop, "deployment/web");
  return new Job(shop, folder.path);
}

/** It runs the first release, and a job is about to bring the next one. */
async function prepare(shop: Shop, onTestFinished: OnTestFinished, next: Next, from: Source): Promise<Job> {
  const job = await openJob(shop, onTestFinished, from);
  if (from === "files") await job.bring("good1");
  await job.write(next);
  return job;
}

/** Two releases that Belay has brought: there is something to go back to. */
async function bringTwo(shop: Shop, onTestFinished: OnTestFinished, from: Source): Promise<Job> {
  const job = await openJob(shop, onTestFinished, from);
  for (const variant of ["good2", "good3"] as const) await job.bring(variant);
  return job;
}

/** The first release runs, and nothing is open any more. */
async function expectOld(shop: Shop, job: Job, main: BundleResult): Promise<void> {
  expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good1"));
  await ready(shop, "deployment/web");
  expect(await job.post(main), "nothing is open any more").toMatchObject({ exitCode: 0 });
}

describe.concurrent("a kill of the runner", { timeout: 400_000 }, () => {
  it.for([
    ["begun", "good2", "workload"],
    ["changed deployment/web", "good2", "workload"],
    ["put deployment/web back", "wrong-command", "workload"],
    ["put deployment/web back", "wrong-command", "files"],
  ] as const)(
    "at %j of %s on a cluster (%s) is put right by the post step",
    async ([at, variant, from], { shop, onTestFinished }) => {
      const job = await prepare(shop, onTestFinished, variant, from);
      const main = await job.main(at);
      expect(main.exitCode, main.stdout).toBe(KILLED);
      expect(main.stdout).toContain(at);
      const after = await job.post(main);
      expect(after.exitCode, main.stdout + after.stdout + after.stderr).toBe(0);
      expect(after.stdout).toContain("recovered (rolled_back)");
      await expectOld(shop, job, main);
      expect((await job.post(main)).stdout).toContain("Ledger: nothing");
    },
  );
});

describe.concurrent("`belay reconcile`", { timeout: 400_000 }, () => {
  it.for(["workload", "files"] as const)(
    "puts right what a runner that was killed left on a cluster (%s), once nobody can be alive any more",
    async (from, { shop, onTestFinished }) => {
      const job = await prepare(shop, onTestFinished, "good2", from);
      const main = await job.main("changed deployment/web");
      expect(main.exitCode, main.stdout).toBe(KILLED);
      expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good2"));
      const after = await job.reconcile();
      expect(after.stdout, main.stdout + after.stderr).toMatch(
        /^Deployment \d+ was left open by a run that died; the release before it is back\.\n$/,
      );
      expect(after.exitCode).toBe(0);
      await expectOld(shop, job, main);
      expect(await job.reconcile()).toMatchObject({ exitCode: 0, stdout: "Nothing was left open.\n" });
    },
  );
});

describe.concurrent("a kill of the rollback's runner", { timeout: 400_000 }, () => {
  it.for(["workload", "files"] as const)(
    "amid its change on a cluster (%s) is put right by the post step",
    async (from, { shop, onTestFinished }) => {
      const job = await bringTwo(shop, onTestFinished, from);
      const [newest, oldest] = [await shop.image("good3"), await shop.image("good2")];
      expect(await shop.read("deployment/web", IMAGE)).toBe(newest);
      const when = (stdout: string): boolean => /changed deployment\/web/i.test(stdout);
      const main = await job.step("rollback/index", { to: "previous" }, { kill: { signal: "SIGKILL", when } });
      expect(main.exitCode, main.stdout).toBe(KILLED);
      expect(await shop.read("deployment/web", IMAGE)).toBe(oldest);
      const after = await job.post(main);
      expect(after.exitCode, main.stdout + after.stdout + after.stderr).toBe(0);
      expect(after.stdout).toContain("recovered (rolled_back)");
      expect(await shop.read("deployment/web", IMAGE)).toBe(newest);
      await ready(shop, "deployment/web");
      expect((await job.post(main)).stdout).toContain("Ledger: nothing");
    },
  );
});

describe.concurrent("a cancelled job", { timeout: 400_000 }, () => {
  it.for(["workload", "files"] as const)(
    "takes the new release off a cluster (%s) again, and leaves nothing to the post step",
    async (from, { shop, onTestFinished }) => {
      const job = await prepare(shop, onTestFinished, "good2", from);
      const main = await job.main("changed deployment/web", "SIGINT");
      expect(main.outputs, main.stdout).toMatchObject({ outcome: "rolled_back", "exit-code": "4", cause: "cancelled" });
      await expectOld(shop, job, main);
      expect((await job.post(main)).stdout).toBe("");
    },
  );

  it("that is to leave the release on a cluster does so, and the post step puts it right", async ({
    shop,
    onTestFinished,
  }) => {
    const job = await prepare(shop, onTestFinished, "good2", "workload");
    const inputs = { "on-cancel": "leave" };
    const main = await job.main("changed deployment/web", "SIGTERM", inputs);
    expect(main.outputs, main.stdout).toMatchObject({ outcome: "unverified", "exit-code": "9", cause: "cancelled" });
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good2"));
    const after = await job.post(main, inputs);
    expect(after.exitCode, main.stdout + after.stdout + after.stderr).toBe(0);
    expect(after.stdout).toContain("recovered (rolled_back)");
    await expectOld(shop, job, main);
  });

  it("has touched nothing of a cluster before its first change", async ({ shop, onTestFinished }) => {
    const job = await prepare(shop, onTestFinished, "good2", "workload");
    const before = await shop.read("deployment/web", VERSION);
    const { network, kubeconfig } = await job.detour();
    onTestFinished(() => network.stop());
    network.silence();
    const asks = (): boolean => network.accepted > 0;
    const main = await job.step(
      "deploy/index",
      {},
      {
        env: { KUBECONFIG: kubeconfig },
        onStart: (send) =>
          void waitUntil("it asks the cluster", asks, { withinMs: 60_000 }).then(() => {
            send("SIGINT");
            network.heal();
          }),
      },
    );
    const { exitCode } = OUTCOMES.cancelled;
    expect(main.outputs, main.stdout).toMatchObject({ outcome: "cancelled", "exit-code": String(exitCode) });
    expect(await shop.read("deployment/web", VERSION)).toBe(before);
    expect(await shop.kubectl("get", "secrets", "--selector", "belay.dev/record=true", "--output", "name")).toBe("");
    expect((await job.post(main)).stdout).toBe("");
  });
});
