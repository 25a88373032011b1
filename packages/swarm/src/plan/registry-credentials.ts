import { type Finding, messageOf } from "@belay/core";
import { type AuthExpiry, expiryOf, type SwarmNode } from "@belay/docker";
import { suitableNodes } from "../spec/eligible-nodes.ts";
import type { TargetState } from "../target-state.ts";
import type { PlannedService } from "./plan-detail.ts";

/** As the docker command line reads a reference: the first part is a registry when it looks like a host. */
export function registryOf(image: string): string {
  const [first = ""] = image.split("/");
  return image.includes("/") && /[.:]|^localhost$/.test(first) ? first : "docker.io";
}

/**
 * Services keep the credentials that they were written with, and a node pulls with these and no others, whoever has logged in
 * there (moby, `executor/container/adapter.go`, `pullImage`). Those that end soon are told of, once per registry.
 */
export async function expiringCredentials(
  state: TargetState,
  touched: readonly PlannedService[],
  nodes: readonly SwarmNode[],
): Promise<Finding[]> {
  const moving = touched.filter((one) => mayMove(one, nodes));
  const byRegistry = Map.groupBy(moving, ({ image }) => registryOf(image));
  const found = await Promise.all(
    [...byRegistry].map(async ([registry, services]) => {
      const expiry = await expiryAt(state, registry);
      return expiry === undefined ? [] : [warning(registry, services, expiry)];
    }),
  );
  return found.flat();
}

/** A task that stays on its node finds the image there, and what runs once has pulled it before its end. */
function mayMove({ action, goal, draft, current }: PlannedService, nodes: readonly SwarmNode[]): boolean {
  const spec = action === "remove" || goal !== "run" ? undefined : draft?.(current?.Spec);
  return spec !== undefined && suitableNodes(spec, nodes).length > 1;
}

async function expiryAt({ options }: TargetState, registry: string): Promise<AuthExpiry | undefined> {
  try {
    const auth = await options.registryAuth?.(registry);
    return auth && expiryOf(registry, auth);
  } catch (error) {
    // They are asked for again when a service is written, which tells it aloud: a warning stops nothing.
    options.log.debug(`whether the credentials for ${registry} expire can't be told: ${messageOf(error)}`);
    return undefined;
  }
}

function warning(registry: string, services: readonly PlannedService[], { what, remedy }: AuthExpiry): Finding {
  const names = services.map(({ service }) => service).join(", ");
  const message = `the swarm keeps ${what}, as the credentials for ${registry}: after that, a node without the image (of ${names}) can't pull it for a task that comes to it`;
  return { level: "warn", check: "credentials_expire", message, remedy };
}
