/**
 * The outside observer of services whose names begin with `stack` and `_`: asks the plain docker command line, and nothing of Belay.
 * Reads `{env, stack}` from stdin, writes what it sees to stdout.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Seen, SeenInstance } from "./observer.ts";

interface TaskSpec {
  readonly ContainerSpec: { readonly Image: string; readonly Env?: readonly string[] | null };
  readonly RestartPolicy?: { readonly Condition?: string };
}

interface Service {
  readonly ID: string;
  readonly Spec: { readonly Name: string; readonly TaskTemplate: TaskSpec };
}

interface Task {
  readonly ID: string;
  readonly CreatedAt: string;
  readonly ServiceID: string;
  readonly Slot?: number;
  readonly NodeID?: string;
  readonly DesiredState: string;
  readonly Spec: TaskSpec;
  readonly Status: { readonly State: string };
}

const { env, stack } = JSON.parse(readFileSync(0, "utf8")) as {
  readonly env: Readonly<Record<string, string>>;
  readonly stack: string;
};

function docker(args: readonly string[]): string {
  return execFileSync("docker", [...args], { env: { ...process.env, ...env }, encoding: "utf8", maxBuffer: 2 ** 26 });
}

function list(args: readonly string[]): string[] {
  return docker(args)
    .split("\n")
    .filter((line) => line !== "");
}

/** Tasks that are meant to be there. What runs once leaves one that has ended, and the youngest of a slot counts. */
function present(service: Service, tasks: readonly Task[]): Task[] {
  if (service.Spec.TaskTemplate.RestartPolicy?.Condition !== "none") {
    return tasks.filter(({ DesiredState }) => ["running", "ready", "complete"].includes(DesiredState));
  }
  const sorted = tasks.toSorted((a, b) => Date.parse(a.CreatedAt) - Date.parse(b.CreatedAt));
  return [...new Map(sorted.map((task) => [String(task.Slot ?? task.NodeID), task])).values()];
}

/** A task that the swarm forgets between two commands is history. */
function inspectTasks(ids: readonly string[]): Task[] {
  try {
    return JSON.parse(docker(["inspect", "--type", "task", ...ids])) as Task[];
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
    if (!/task \w+ not found|no such task/i.test(stderr ?? "")) throw error;
    return JSON.parse(stdout ?? "[]") as Task[];
  }
}

/** A task runs, in Swarm's words, only once its health check has passed. */
function seenAs({ ID, Spec, Status }: Task): SeenInstance {
  const right = Status.State === "running" || Status.State === "complete";
  const note = Spec.ContainerSpec.Env?.find((line) => line.startsWith("NOTE="))?.slice("NOTE=".length) ?? "";
  const digests = [digestIn(Spec.ContainerSpec.Image)].filter((one) => one !== "");
  return { name: ID, digests, note, running: right, healthy: right };
}

function digestIn(image: string): string {
  return /sha256:[0-9a-f]{64}$/.exec(image)?.[0] ?? "";
}

const services = list(["service", "ls", "-q", "--filter", `name=${stack}_`]);
const inspected = services.length === 0 ? [] : (JSON.parse(docker(["service", "inspect", ...services])) as Service[]);
const seen: Record<string, SeenInstance[]> = {};
const wanted: Record<string, string> = {};
for (const service of inspected) {
  const ids = list(["service", "ps", "-q", "--no-trunc", service.ID]);
  const tasks = ids.length === 0 ? [] : inspectTasks(ids);
  const name = service.Spec.Name.slice(stack.length + 1);
  seen[name] = present(service, tasks).map(seenAs);
  wanted[name] = digestIn(service.Spec.TaskTemplate.ContainerSpec.Image);
}
process.stdout.write(JSON.stringify({ services: seen, wanted } satisfies Seen));
