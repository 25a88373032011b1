import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@belay/testkit";
import { describe, expect } from "vitest";
import { type BundleResult, runBundle } from "../bundles/run-bundle.ts";
import { it, type Shop, templateOf, workload } from "../engines/kubernetes-space.ts";

/* The action's step on a cluster is killed as a runner kills it, and its `post:` step finds what it left. */

const IMAGE = "{.spec.template.spec.containers[0].image}";
/** A job of GitHub Actions, without a repository: there is no GitHub to tell. */
const ENV = { GITHUB_ACTIONS: "true", GITHUB_RUN_ID: "4242", GITHUB_RUN_ATTEMPT: "1", GITHUB_JOB: "test" } as const;
const KILLED = -1;

/** A step of the deploy action, as it stands in a job on this namespace. */
class Job {
  readonly #shop: Shop;
  readonly #folder: string;

  constructor(shop: Shop, folder: string) {
    this.#shop = shop;
    this.#folder = folder;
  }

  async write(variant: "good2" | "wrong-command"): Promise<void> {
    const release = await this.#shop.release({ web: variant });
    const belay = {
      version: 1,
      application: "shop",
      services: { web: { image: release.services.web?.repository } },
      environments: {
        test: {
          target: { kind: "kubernetes", namespace: this.#shop.scope.project },
          // The way back is watched for as long, so that the kill comes in time on a busy machine.
          rollout: { stable: "10s", start: "90s", deadline: "150s" },
        },
      },
    };
    await writeFile(join(this.#folder, "belay.yaml"), JSON.stringify(belay));
    await writeFile(join(this.#folder, "release.json"), JSON.stringify(release));
  }

  /** `at`: it is killed as soon as its log says so. */
  main(at: string): Promise<BundleResult> {
    return this.#step("index", {}, { signal: "SIGKILL", when: (stdout) => stdout.includes(at) });
  }

  post(main: BundleResult): Promise<BundleResult> {
    return this.#step("post", Object.fromEntries(Object.entries(main.state).map(([key, is]) => [`STATE_${key}`, is])));
  }

  #step(
    entry: string,
    state: Readonly<Record<string, string>>,
    kill?: NonNullable<Parameters<typeof runBundle>[1]>["kill"],
  ) {
    const { kubeconfig } = this.#shop.cluster;
    return runBundle(`deploy/${entry}`, {
      cwd: this.#folder,
      inputs: { release: "release.json", comment: "false" },
      env: { ...ENV, ...state, KUBECONFIG: kubeconfig },
      ...(kill === undefined ? {} : { kill }),
    });
  }
}

describe.concurrent("a kill of the runner", { timeout: 400_000 }, () => {
  it.for([
    ["begun", "good2"],
    ["changed deployment/web", "good2"],
    ["put deployment/web back", "wrong-command"],
  ] as const)(
    "at %j of %s on a cluster is put right by the post step",
    async ([at, variant], { shop, onTestFinished }) => {
      await shop.apply([workload("Deployment", { replicas: 2, template: templateOf(await shop.image("good1")) })]);
      await shop.kubectl("rollout", "status", "deployment/web", "--timeout", "120s");
      const folder = await temporaryFolder("belay-job");
      onTestFinished(() => folder.remove());
      const job = new Job(shop, folder.path);
      await job.write(variant);
      const main = await job.main(at);
      expect(main.exitCode, main.stdout).toBe(KILLED);
      expect(main.stdout).toContain(at);
      const after = await job.post(main);
      expect(after.exitCode, main.stdout + after.stdout + after.stderr).toBe(0);
      expect(after.stdout).toContain("recovered (rolled_back)");
      expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good1"));
      await shop.kubectl("rollout", "status", "deployment/web", "--timeout", "120s");
      const again = await job.post(main);
      expect(again, "nothing is open any more").toMatchObject({ exitCode: 0 });
      expect(again.stdout).toContain("Ledger: nothing");
    },
  );
});
