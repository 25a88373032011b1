import { BelayError } from "@belay/core";
import { compact } from "./compact.ts";
import type { StackDeploy } from "./stack-document.ts";

/** Limits and reservations as `docker stack deploy` makes them. @throws BelayError CONFIG_INVALID */
export function translateResources(resources: StackDeploy["resources"], service: string): object {
  const { limits, reservations } = resources ?? {};
  const generic = reservations?.generic_resources?.map(({ discrete_resource_spec: spec }) =>
    spec === undefined ? {} : { DiscreteResourceSpec: compact({ Kind: spec.kind, Value: spec.value || undefined }) },
  );
  return compact({
    Limits: limits && compact({ ...amounts(limits, service), Pids: limits.pids || undefined }),
    Reservations: reservations && compact({ ...amounts(reservations, service), GenericResources: generic }),
  });
}

function amounts(of: { readonly cpus?: string; readonly memory?: string }, service: string) {
  return { NanoCPUs: nanoCpus(of.cpus, service), MemoryBytes: Number(of.memory ?? 0) || undefined };
}

/** `0.5`, `1/2`: billionths of a processor, which must come out even. */
function nanoCpus(text: string | undefined, service: string): number | undefined {
  if (text === undefined || text === "") return undefined;
  const [above, below = "1"] = text.split("/");
  const nano = (Number(above) * 1e9) / Number(below);
  const whole = Math.round(nano);
  if (Number.isFinite(nano) && Math.abs(nano - whole) < 1e-3) return whole || undefined;
  const doing = `translating the resources of the service ${service}`;
  throw new BelayError("CONFIG_INVALID", { doing, got: `cpus: ${JSON.stringify(text)} is no number of processors` });
}
