import type { Finding } from "@belay/core";
import type { NetworkCreateBody, NetworkInspect } from "@belay/docker";
import { compact } from "./compact.ts";
import { STACK_LABEL, type StackDocument, type StackNetwork, scopedName } from "./stack-document.ts";
import { isUserDefined } from "./translate-attachments.ts";

export interface NetworkPlan {
  /** What does not exist yet, without Belay's labels. */
  readonly create: readonly NetworkCreateBody[];
  readonly findings: readonly Finding[];
}

/** What has to be done for the networks of these services (keys in the files). Pure. */
export function planNetworks(
  document: StackDocument,
  stack: string,
  services: readonly string[],
  existing: readonly NetworkInspect[],
): NetworkPlan {
  const plans = usedNetworks(document, services).map((key) =>
    planNetwork(document.networks[key] ?? {}, key, stack, existing),
  );
  return {
    create: plans.flatMap(({ create }) => create ?? []),
    findings: plans.flatMap(({ finding }) => finding ?? []),
  };
}

function usedNetworks(document: StackDocument, services: readonly string[]): string[] {
  const keys = services.flatMap((service) => {
    const own = Object.keys(document.services[service]?.networks ?? {});
    return own.length === 0 ? ["default"] : own;
  });
  return [...new Set(keys)].sort();
}

interface OneNetwork {
  readonly create?: NetworkCreateBody;
  readonly finding?: Finding;
}

function planNetwork(
  network: StackNetwork,
  key: string,
  stack: string,
  existing: readonly NetworkInspect[],
): OneNetwork {
  const name = scopedName(stack, key, network.name);
  const there = existing.filter(({ Name }) => Name === name);
  if (network.external) return { ...external(name, there) };
  const body = bodyOf(network, name, stack);
  const own = there.find(({ Labels, Scope }) => Scope === "swarm" && Labels?.[STACK_LABEL] === stack);
  if (own !== undefined) return differs(body, own);
  if (there.length === 0) return { create: body };
  const message = `there is a network ${name} already that does not belong to the stack ${stack}`;
  const remedy = "Declare it as external in the files, or give the stack's network another name.";
  return { finding: { level: "refuse", check: "network_taken", message, remedy } };
}

function external(name: string, there: readonly NetworkInspect[]): OneNetwork {
  if (!isUserDefined(name) || there.some(({ Scope }) => Scope === "swarm")) return {};
  const message =
    there.length === 0
      ? `the external network ${name} does not exist`
      : `the external network ${name} belongs to one engine only, and a swarm's services need one of the swarm`;
  const remedy = `Create it: docker network create --driver overlay ${name}`;
  return { finding: { level: "refuse", check: "network_missing", message, remedy } };
}

function bodyOf(network: StackNetwork, name: string, stack: string): NetworkCreateBody {
  const { ipam } = network;
  const config = (ipam?.config ?? []).map(({ subnet }) => compact({ Subnet: subnet }));
  const addresses = compact({ Driver: ipam?.driver, Config: config });
  return compact({
    Name: name,
    CheckDuplicate: true,
    Driver: network.driver || "overlay",
    Options: network.driver_opts,
    Internal: network.internal || undefined,
    Attachable: network.attachable || undefined,
    Labels: { ...network.labels, [STACK_LABEL]: stack },
    IPAM: Object.keys(addresses).length === 0 ? undefined : addresses,
  });
}

/** The engine adds options, subnets and labels of its own, and Belay its labels: only what the files say is compared. */
function differs(body: NetworkCreateBody, there: NetworkInspect): OneNetwork {
  const subnets = there.IPAM?.Config?.map(({ Subnet }) => Subnet) ?? [];
  const wanted = (body.IPAM?.Config ?? []).flatMap(({ Subnet }) => (Subnet === undefined ? [] : [Subnet]));
  const found = [
    ...(body.Driver === there.Driver ? [] : ["the driver"]),
    ...((body.Internal ?? false) === there.Internal ? [] : ["`internal`"]),
    ...((body.Attachable ?? false) === (there.Attachable ?? false) ? [] : ["`attachable`"]),
    ...(within(body.Options, there.Options) ? [] : ["the driver's options"]),
    ...(wanted.every((subnet) => subnets.includes(subnet)) ? [] : ["the subnets"]),
    ...(within(body.Labels, there.Labels) ? [] : ["the labels"]),
  ];
  if (found.length === 0) return {};
  const message = `the network ${body.Name} exists and differs from the files in ${found.join(", ")}: it stays as it is, because no network can be changed`;
  const remedy = "Give the new network another key in the files.";
  return { finding: { level: "warn", check: "network_differs", message, remedy } };
}

type Mapping = Readonly<Record<string, string>>;

function within(wanted: Mapping | undefined, there: Mapping | null | undefined): boolean {
  return Object.entries(wanted ?? {}).every(([name, value]) => there?.[name] === value);
}
