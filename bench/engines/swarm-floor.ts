import { setTimeout as sleep } from "node:timers/promises";
import { pinnedReference } from "@belay/core";
import { connectDocker, type Docker, type Service, type ServiceSpec, type Task } from "@belay/docker";
import type { ApplicationStand } from "../../test/contract/stand.ts";
import type { VariantName } from "../../test/contract/variants.ts";

const LOOK_MS = 20;
const SERVICE = "web";

/**
 * How fast the engine itself is, in seconds: one update by its API, and, for a release that `fails`, one back as soon as the
 * first container of it has died; each until the wanted number of new tasks runs and no other one is to run any more.
 */
export async function swarmFloor(app: ApplicationStand, variant: VariantName, fails: boolean): Promise<number> {
  const { env, stack } = app.observer.settings as { readonly env: Record<string, string>; readonly stack: string };
  const docker = await connectDocker({ env });
  try {
    const name = `${stack}_${SERVICE}`;
    const image = pinnedReference(await app.identity(variant)) ?? "";
    const before = await find(docker, name);
    const began = performance.now();
    const dead = fails ? firstDeath(docker, name, image) : undefined;
    await docker.services.update(before.ID, before.Version, withImage(before.Spec, image));
    if (dead !== undefined) {
      await dead;
      const now = await find(docker, name);
      await docker.services.update(now.ID, now.Version, before.Spec);
    }
    await until(docker, name);
    return (performance.now() - began) / 1_000;
  } finally {
    await docker.close();
  }
}

async function find(docker: Docker, name: string): Promise<Service> {
  const found = await docker.services.list({ filters: { name: [name] } });
  const service = found.find(({ Spec }) => Spec.Name === name);
  if (service === undefined) throw new Error(`no service ${name}`);
  return service;
}

function withImage(spec: ServiceSpec, Image: string): ServiceSpec {
  const { TaskTemplate } = spec;
  return { ...spec, TaskTemplate: { ...TaskTemplate, ContainerSpec: { ...TaskTemplate.ContainerSpec, Image } } };
}

async function firstDeath(docker: Docker, name: string, image: string): Promise<void> {
  const filters = { type: ["container"], event: ["die"], label: [`com.docker.swarm.service.name=${name}`] };
  for await (const { Actor } of docker.events({ filters, signal: AbortSignal.timeout(60_000) })) {
    if (Actor.Attributes?.image === image) return;
  }
}

/** The number is the spec's; a task that the engine has told to end is no longer counted, as Belay's judge does it. */
async function until(docker: Docker, name: string): Promise<void> {
  const { ID, Spec } = await find(docker, name);
  const image = Spec.TaskTemplate.ContainerSpec?.Image;
  const isNew = (task: Task): boolean => task.Spec.ContainerSpec?.Image === image;
  for (;;) {
    const tasks = await docker.tasks.list({ filters: { service: [ID] } });
    const wanted = tasks.filter(({ DesiredState }) => DesiredState === "running");
    const up = wanted.filter((task) => task.Status.State === "running");
    if (wanted.every(isNew) && up.length >= (Spec.Mode?.Replicated?.Replicas ?? 1)) return;
    await sleep(LOOK_MS);
  }
}
