import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RolloutPolicy, Target } from "@belay/core";
import { type DeploymentResult, deploy } from "@belay/rollout";
import { temporaryFolder } from "@belay/testkit";
import { describe, expect } from "vitest";
import { POLICY } from "../contract/policy.ts";
import type { VariantName } from "../contract/variants.ts";
import { it as base, type Shop } from "./swarm-services.ts";

const MODES = { once: "replicated-job", everywhere: "global-job" } as const;
const JOBS = ["once", "everywhere"] as const;

type Variants = Readonly<Record<(typeof JOBS)[number] | "web", VariantName>>;

/** A stack of three services that come one after the other: a job of each kind, and `web`. */
class Jobs {
  readonly shop: Shop;
  readonly #file: string;

  constructor(shop: Shop, folder: string) {
    this.shop = shop;
    this.#file = join(folder, "stack.yaml");
    for (const name of ["web", ...JOBS]) shop.services.add(name);
  }

  async deploy(variants: Variants, policy: Partial<RolloutPolicy> = {}): Promise<DeploymentResult> {
    const image = await this.shop.pin(variants.web);
    const job = (name: (typeof JOBS)[number], ...depends_on: string[]): object => {
      const run = { mode: MODES[name], endpoint_mode: "dnsrr", restart_policy: { condition: "none" } };
      return { image, depends_on, deploy: run };
    };
    const run = { endpoint_mode: "dnsrr", update_config: { order: "start-first" } };
    const web = { image, stop_grace_period: "1s", depends_on: ["everywhere"], deploy: run };
    const services = { once: job("once"), everywhere: job("everywhere", "once"), web };
    await writeFile(this.#file, JSON.stringify({ version: "3.8", services }));
    const target = await this.#target();
    const release = await this.shop.release(variants);
    return deploy({ release, policy: { ...POLICY, ...policy } }, this.shop.ports(target));
  }

  #target(): Promise<Target> {
    return this.shop.target({ stack: { files: [this.#file], env: {}, secretNames: [] } });
  }

  /** States of a service's tasks of an image, those that have ended too, as the docker command line shows them. */
  async states(service: string, image: string): Promise<string[]> {
    const format = ["--no-trunc", "--format", "{{.Image}} {{.CurrentState}}"];
    const { stdout } = await this.shop.engine.docker(["service", "ps", ...format, this.shop.name(service)]);
    const shown = stdout.split("\n").map((line) => line.split(" "));
    return shown.flatMap(([of, state = ""]) => (of === image ? [state] : []));
  }

  async names(): Promise<string[]> {
    const filter = ["--filter", `name=${this.shop.scope.project}_`];
    const { stdout } = await this.shop.engine.docker(["service", "ls", "--format", "{{.Name}}", ...filter]);
    return stdout.split("\n").filter((line) => line !== "");
  }

  async expectImages(variants: Variants): Promise<void> {
    for (const [service, variant] of Object.entries(variants)) {
      expect(await this.shop.image(service), service).toBe(await this.shop.pin(variant));
    }
    expect(await this.shop.running()).toEqual([await this.shop.pin(variants.web)]);
  }

  /** The engine was told to run it so many times in all, and has run this image once, to a good end. */
  async expectRan(service: (typeof JOBS)[number], variant: VariantName, times: number): Promise<void> {
    expect(await this.states(service, await this.shop.pin(variant)), service).toEqual(["Complete"]);
    expect((await this.shop.inspect(service)).JobStatus?.JobIteration?.Index ?? 0, service).toBe(times - 1);
  }
}

const it = base.extend("jobs", async ({ shop }, { onCleanup }) => {
  const folder = await temporaryFolder("belay-jobs");
  onCleanup(() => folder.remove());
  return new Jobs(shop, folder.path);
});

const FIRST: Variants = { once: "job-done1", everywhere: "job-done1", web: "good1" };
const SECOND: Variants = { once: "job-done2", everywhere: "job-done2", web: "good2" };

describe.concurrent("jobs of a stack, replicated and global", () => {
  it("run to their end once in each release that changes them, before what waits for them", async ({ jobs }) => {
    const first = await jobs.deploy(FIRST);
    expect(first, jobs.shop.log.text()).toMatchObject({ outcome: "succeeded", leftOpen: false });
    await jobs.expectImages(FIRST);
    for (const job of JOBS) await jobs.expectRan(job, "job-done1", 1);

    const other = await jobs.deploy({ ...FIRST, web: "good2" });
    expect(other, jobs.shop.log.text()).toMatchObject({ outcome: "succeeded" });
    for (const job of JOBS) await jobs.expectRan(job, "job-done1", 1);

    const second = await jobs.deploy(SECOND);
    expect(second, jobs.shop.log.text()).toMatchObject({ outcome: "succeeded" });
    await jobs.expectImages(SECOND);
    for (const job of JOBS) await jobs.expectRan(job, "job-done2", 2);
    expect(await jobs.deploy(SECOND)).toMatchObject({ outcome: "unchanged" });
    for (const job of JOBS) await jobs.expectRan(job, "job-done2", 2);
  });

  it.for(JOBS)(
    "take the release off when the one that runs %s fails, with the cause, and a later one works",
    async (bad, { jobs }) => {
      expect(await jobs.deploy(FIRST), jobs.shop.log.text()).toMatchObject({ outcome: "succeeded" });
      const failed = await jobs.deploy({ ...SECOND, [bad]: "job-fails" });
      expect(failed, jobs.shop.log.text()).toMatchObject({
        outcome: "rolled_back",
        leftOpen: false,
        cause: { cause: "exited", service: bad },
      });
      const evidence = failed.report.evidence.find(({ service }) => service === bad);
      expect(evidence).toMatchObject({ instance: failed.cause?.instance, exitCode: 1 });
      expect(failed.report.likelyCause).toBe(`the log of ${failed.cause?.instance} says: no such table: orders`);
      // What ran to its end before is not run again for the way back, nor by the later release.
      await jobs.expectImages(bad === "once" ? FIRST : { ...FIRST, once: "job-done2" });
      const later = await jobs.deploy(SECOND);
      expect(later, jobs.shop.log.text()).toMatchObject({ outcome: "succeeded" });
      await jobs.expectImages(SECOND);
      if (bad === "everywhere") await jobs.expectRan("once", "job-done2", 2);
    },
  );

  it("that fail in the first release go again with all of it where the policy says so", async ({ jobs }) => {
    const failed = await jobs.deploy({ ...FIRST, everywhere: "job-fails" }, { onFirstFailure: "remove" });
    expect(failed, jobs.shop.log.text()).toMatchObject({
      outcome: "rolled_back",
      leftOpen: false,
      cause: { cause: "exited", service: "everywhere" },
    });
    expect(await jobs.names()).toEqual([]);
    expect(await jobs.deploy(FIRST), jobs.shop.log.text()).toMatchObject({ outcome: "succeeded" });
    await jobs.expectImages(FIRST);
  });
});
