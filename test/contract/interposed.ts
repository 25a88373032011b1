import type { KubernetesApi } from "@belay/kubernetes";

/** What `before` is told of a change: who is changed, and all that is sent, as text. */
export interface Change {
  readonly name: string;
  readonly text: string;
}

/** The same API, with something that happens before each change is sent. Dry runs and records of the ledger are none. */
export function interposed<T extends KubernetesApi>(
  api: T,
  before: (change: Change) => Promise<unknown> | undefined,
): T {
  return new Proxy(api, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return async (...parameters: readonly unknown[]): Promise<unknown> => {
        const change = name === "patch" || name === "apply" ? changeOf(parameters) : undefined;
        if (change !== undefined) await before(change);
        return Reflect.apply(value, target, parameters);
      };
    },
  });
}

function changeOf(parameters: readonly unknown[]): Change | undefined {
  const [first] = parameters as readonly { readonly name?: string; readonly metadata?: { readonly name: string } }[];
  const options = parameters.at(-1) as { readonly dryRun?: boolean } | undefined;
  if (options?.dryRun === true) return undefined;
  return { name: first?.name ?? first?.metadata?.name ?? "", text: JSON.stringify(parameters.slice(0, -1)) };
}
