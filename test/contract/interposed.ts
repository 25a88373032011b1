import type { KubernetesApi } from "@belay/kubernetes";

/** What `before` is told of a change: who is changed, and all that is sent, as text. */
export interface Change {
  readonly method: string;
  readonly kind: string;
  readonly name: string;
  readonly text: string;
}

const CHANGES = new Set(["patch", "apply", "create", "remove"]);

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
        const change = CHANGES.has(String(name)) ? changeOf(String(name), parameters) : undefined;
        if (change !== undefined && change.kind !== "Secret") await before(change);
        return Reflect.apply(value, target, parameters);
      };
    },
  });
}

interface Changed {
  readonly kind?: string;
  readonly name?: string;
  readonly metadata?: { readonly name: string };
}

function changeOf(method: string, parameters: readonly unknown[]): Change | undefined {
  const [first] = parameters as readonly Changed[];
  const options = parameters.at(-1) as { readonly dryRun?: boolean } | undefined;
  if (options?.dryRun === true) return undefined;
  const name = first?.name ?? first?.metadata?.name ?? "";
  return { method, kind: first?.kind ?? "", name, text: JSON.stringify(parameters.slice(0, -1)) };
}
