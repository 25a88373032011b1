import { BelayError } from "@belay/core";
import type { SwarmMount } from "@belay/docker";
import { compact } from "./compact.ts";
import { STACK_LABEL, type StackDocument, type StackMount, scopedName } from "./stack-document.ts";

/**
 * A mount of the files as `docker stack deploy` makes it (docker/cli, `compose/convert/volume.go`).
 * @throws BelayError CONFIG_INVALID for what that command refuses too.
 */
export function translateMount(mount: StackMount, document: StackDocument, stack: string, service: string): SwarmMount {
  const type = mount.type === undefined || mount.type === "" ? "volume" : mount.type;
  const own = OPTIONS[type];
  if (own === undefined) throw refusal(service, mount, `a mount of the type ${type} is not known to Swarm`);
  checkOptions(mount, type, own, service);
  const base = {
    Type: mount.type ?? "",
    Target: mount.target ?? "",
    Source: mount.source ?? "",
    ReadOnly: mount.read_only || undefined,
    Consistency: mount.consistency,
    ...optionsOf(mount, type, document, stack, service),
  };
  return { ...compact(base), Type: base.Type, Target: base.Target };
}

/** Which options a type of mount may have, and whether it has a source. */
const OPTIONS: Readonly<Record<string, { readonly option?: keyof StackMount; readonly source: boolean | "optional" }>> =
  {
    volume: { option: "volume", source: "optional" },
    image: { option: "image", source: true },
    bind: { option: "bind", source: true },
    npipe: { option: "bind", source: true },
    tmpfs: { option: "tmpfs", source: false },
    cluster: { source: true },
  };

function checkOptions(
  mount: StackMount,
  type: string,
  own: { readonly option?: keyof StackMount; readonly source: boolean | "optional" },
  service: string,
): void {
  const foreign = (["volume", "image", "bind", "tmpfs"] as const).find(
    (option) => option !== own.option && mount[option] !== undefined,
  );
  if (foreign !== undefined) throw refusal(service, mount, `${foreign} options don't go with the type ${type}`);
  const source = mount.source ?? "";
  if (own.source === true && source === "") throw refusal(service, mount, `a mount of the type ${type} needs a source`);
  if (own.source === false && source !== "") throw refusal(service, mount, `a mount of the type ${type} has no source`);
}

function optionsOf(mount: StackMount, type: string, document: StackDocument, stack: string, service: string): object {
  switch (type) {
    case "volume":
      return mount.source ? volumeOptions(mount, mount.source, document, stack, service) : {};
    case "bind":
    case "npipe":
      return mount.bind === undefined ? {} : { BindOptions: compact({ Propagation: mount.bind.propagation }) };
    case "tmpfs":
      return mount.tmpfs === undefined ? {} : { TmpfsOptions: compact({ SizeBytes: mount.tmpfs.size || undefined }) };
    case "image":
      return mount.image === undefined ? {} : { ImageOptions: compact({ Subpath: mount.image.subpath }) };
    default:
      return clusterOptions(mount, document, stack, service);
  }
}

function volumeOptions(
  mount: StackMount,
  source: string,
  document: StackDocument,
  stack: string,
  service: string,
): object {
  const volume = volumeOf(source, mount, document, service);
  const Source = scopedName(stack, source, volume.name);
  const copy = { NoCopy: mount.volume?.nocopy || undefined, Subpath: mount.volume?.subpath };
  if (volume.external) return { Source, VolumeOptions: compact(copy) };
  const driven = volume.driver !== undefined || volume.driver_opts !== undefined;
  const driver = driven ? compact({ Name: volume.driver, Options: volume.driver_opts }) : undefined;
  const labels = { ...volume.labels, [STACK_LABEL]: stack };
  return { Source, VolumeOptions: compact({ ...copy, Labels: labels, DriverConfig: driver }) };
}

/** A volume of a group (`group:…`) is of no stack. */
function clusterOptions(mount: StackMount, document: StackDocument, stack: string, service: string): object {
  const source = mount.source ?? "";
  if (source.startsWith("group:")) return { ClusterOptions: {} };
  const { name } = volumeOf(source, mount, document, service);
  return { Source: scopedName(stack, source, name), ClusterOptions: {} };
}

function volumeOf(source: string, mount: StackMount, document: StackDocument, service: string) {
  const volume = document.volumes[source];
  if (volume === undefined) throw refusal(service, mount, `the files define no volume ${source}`);
  return volume ?? {};
}

function refusal(service: string, mount: StackMount, got: string): BelayError {
  const doing = `translating the mount at ${mount.target ?? "?"} of the service ${service}`;
  return new BelayError("CONFIG_INVALID", { doing, got, next: "Correct the stack's files." });
}
