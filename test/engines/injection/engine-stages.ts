import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beManager, type Cluster, waitUntil } from "@belay/testkit";
import { parse } from "yaml";
import type { InjectionStand } from "./injection-stand.ts";

const ROLLOUT = { stable: "0s", drain: "0s", start: "60s", deadline: "2m", crashes: 1 };

/** There as soon as a haunted pod may go on. Everybody may write into that folder of a pod. */
export const GO = "/dev/shm/go";

/** Longer than anything that people are shown. */
const LONG = "long ".repeat(200_000);

/** Node program that writes the texts, and a line without end, to both streams, then does `then`. */
export function talking(texts: readonly string[], then: string): string[] {
  const script = `console.log("long ".repeat(200000)); for (const text of ${JSON.stringify(texts)}) { console.log(text); console.error(text); } ${then}`;
  return ["node", "-e", script];
}

/** A checkout whose environment `name` is on that target. */
async function checkOut(stand: InjectionStand, name: string, target: object): Promise<string> {
  const checkout = await stand.checkOut(`on-${name}`);
  const config = parse(await readFile(join(stand.repository, "belay.yaml"), "utf8"));
  config.services.web.names = { kubernetes: "deployment/web" };
  config.environments = { [name]: { target, rollout: ROLLOUT } };
  await writeFile(join(checkout, "belay.yaml"), JSON.stringify(config));
  return checkout;
}

/**
 * The stand's engine as a swarm, and a service whose health check says these texts of an image of the version `sick`. `image`:
 * pinned, and good.
 */
export async function openSwarm(
  stand: InjectionStand,
  { stack, image, texts }: { readonly stack: string; readonly image: string; readonly texts: readonly string[] },
): Promise<string> {
  await beManager(stand);
  const script = `if (process.env.VERSION !== "sick") process.exit(0); console.log(${JSON.stringify(texts.join("\n"))}); process.exit(1)`;
  // Out of a variable, so that the shell sees nothing of it, and the swarm no template.
  const check = Buffer.from(script).toString("base64");
  const health = [
    "--health-cmd",
    "node -e 'eval(String(Buffer.from(process.env.CHECK, `base64`)))'",
    "--health-interval",
    "1s",
    "--health-timeout",
    "30s",
  ];
  const usual = ["--endpoint-mode", "dnsrr", "--stop-grace-period", "1s", "--restart-delay", "500ms", "--init"];
  const more = ["--health-retries", "2", "--update-order", "start-first", "--env", `CHECK=${check}`];
  const name = ["--name", `${stack}_web`, "--no-resolve-image", image];
  await stand.docker(["service", "create", "--detach", ...usual, ...health, ...more, ...name]);
  return checkOut(stand, "swarm", { kind: "swarm", stack });
}

/** A namespace with a workload `web`, on which somebody wrote `texts` wherever the cluster lets people write. */
export class ClusterStage {
  readonly checkout: string;
  readonly #cluster: Cluster;
  readonly #namespace: string;

  private constructor(cluster: Cluster, namespace: string, checkout: string) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.checkout = checkout;
  }

  /** `image`: pinned, of the version `first`; no other becomes ready. */
  static async open(stand: InjectionStand, cluster: Cluster, namespace: string, image: string): Promise<ClusterStage> {
    const { kubeconfig } = cluster;
    const checkout = await checkOut(stand, "cluster", { kind: "kubernetes", namespace, kubeconfig });
    const stage = new ClusterStage(cluster, namespace, checkout);
    await cluster.kubectl(["create", "namespace", namespace]);
    const account = ["get", "serviceaccount", "default", "--ignore-not-found", "--output", "name"];
    await waitUntil("pods can be made", async () => (await stage.kubectl(account)) !== "", { withinMs: 60_000 });
    await stage.apply(deployment(image));
    await stage.kubectl(["rollout", "status", "deployment/web", "--timeout", "150s"]);
    return stage;
  }

  async kubectl(args: readonly string[], input?: string): Promise<string> {
    const words = ["--namespace", this.#namespace, ...args];
    return (await this.#cluster.kubectl(words, input === undefined ? {} : { input })).stdout;
  }

  async apply(object: object): Promise<void> {
    await this.kubectl(["apply", "--server-side", "--force-conflicts", "--filename", "-"], JSON.stringify(object));
  }

  /** Annotations of the workload, `null` to take one away. */
  async annotate(annotations: Readonly<Record<string, string | null>>): Promise<void> {
    const patch = JSON.stringify({ metadata: { annotations } });
    await this.kubectl(["patch", "deployment/web", "--type", "merge", "--patch", patch]);
  }

  /** Waits for the new pod, puts events and a condition with these texts beside it, and lets it go on. */
  async haunt(version: string, texts: readonly string[]): Promise<void> {
    const pod = await this.#newPod(version);
    const now = new Date().toISOString().replace(/\.\d+/, "");
    for (const [at, message] of [...texts, LONG].entries()) {
      const { name, uid } = pod.metadata;
      const event = {
        ...{ apiVersion: "v1", kind: "Event", metadata: { name: `hostile-${at}` }, type: "Warning" },
        ...{ reason: "Hostile", message: `event ${message}`, firstTimestamp: now, lastTimestamp: now, count: 1 },
        involvedObject: { apiVersion: "v1", kind: "Pod", name, uid, namespace: this.#namespace },
      };
      await this.kubectl(["create", "--filename", "-"], JSON.stringify(event));
    }
    const conditions = texts.map((message, at) => ({ type: `belay.dev/hostile-${at}`, status: "False", message }));
    const patch = JSON.stringify({ status: { conditions } });
    await this.kubectl(["patch", `pod/${pod.metadata.name}`, "--subresource", "status", "--patch", patch]);
    const go = ["node", "-e", `fs.writeFileSync("${GO}", "")`];
    await this.kubectl(["exec", pod.metadata.name, "--", ...go]);
  }

  async #newPod(version: string): Promise<Pod> {
    let found: Pod | undefined;
    const runs = async (): Promise<boolean> => {
      const { items } = JSON.parse(await this.kubectl(["get", "pods", "--output", "json"])) as { items: Pod[] };
      const running = items.filter(({ status }) => status?.containerStatuses?.some(({ state }) => state.running));
      for (const pod of running) {
        const said = ["exec", pod.metadata.name, "--", "node", "-p", "process.env.VERSION"];
        if ((await this.kubectl(said).catch(() => "")).trim() === version) found = pod;
      }
      return found !== undefined;
    };
    await waitUntil(`a pod of ${version} runs`, runs, { withinMs: 90_000, everyMs: 200 });
    if (found === undefined) throw new Error("it is gone");
    return found;
  }

  async remove(): Promise<void> {
    await this.#cluster.kubectl(["delete", "namespace", this.#namespace, "--wait=false"]);
  }
}

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status?: { readonly containerStatuses?: readonly { readonly state: { readonly running?: object } }[] };
}

function deployment(image: string): object {
  const command = ["node", "-e", "process.exit(process.env.VERSION === 'first' ? 0 : 1)"];
  const readinessProbe = { exec: { command }, periodSeconds: 1, timeoutSeconds: 30 };
  const labels = { app: "web" };
  const spec = { terminationGracePeriodSeconds: 1, containers: [{ name: "web", image, readinessProbe }] };
  return {
    ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" } },
    spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}
