import type { ContainerConfig, ContainerInspect } from "@belay/docker";
import {
  type ComposeDependency,
  type ComposeMount,
  type ComposePort,
  type ComposeProject,
  type ComposeResource,
  type ComposeService,
  resourceName,
} from "../files/compose-project.ts";
import type { KeptFile } from "../files/kept-files.ts";
import { COMPOSE_LABELS } from "../files/revision.ts";
import { containerOf } from "./compose-container.ts";
import { anonymousVolumes } from "./creation-body.ts";

/** A container that stands for its service as it was, and its image's own configuration where the engine has it. */
export interface Model {
  readonly inspect: ContainerInspect;
  /** `repository@sha256:…`, or the image's id where it never had a digest of a registry. */
  readonly image: string;
  readonly imageConfig: ContainerConfig | undefined;
  /** What compose had copied into it; none where that is not known. */
  readonly files?: readonly KeptFile[];
}

/**
 * The user's project with services (by compose's names) as they were when the models ran: what decides how they are
 * replaced (ports, mounts, networks, names, order), read from the containers. All else is as the files say now.
 */
export function projectThen(rendered: ComposeProject, models: ReadonlyMap<string, Model>): ComposeProject {
  const keys = new Map(
    Object.keys(rendered.networks ?? {}).map((key) => [resourceName(rendered, "networks", key), key] as const),
  );
  const volumeKeys = new Map(
    Object.keys(rendered.volumes ?? {}).map((key) => [resourceName(rendered, "volumes", key), key] as const),
  );
  const then = [...models].map(([name, model]) => [name, serviceThen(rendered, model, keys, volumeKeys)] as const);
  const inspects = [...models.values()].map(({ inspect }) => inspect);
  const networks = inspects.flatMap((one) => Object.keys(one.NetworkSettings.Networks));
  const volumes = inspects.flatMap((one) => namedVolumes(one).map(({ Name }) => Name ?? ""));
  return {
    ...rendered,
    services: { ...rendered.services, ...Object.fromEntries(then) },
    networks: { ...rendered.networks, ...externals(networks, keys) },
    volumes: { ...rendered.volumes, ...externals(volumes, volumeKeys) },
  };
}

/** What the files no longer name: nobody makes it again. */
function externals(names: readonly string[], keys: ReadonlyMap<string, string>): Record<string, ComposeResource> {
  const unknown = names.filter((name) => !keys.has(name) && name !== "host" && name !== "none");
  return Object.fromEntries(unknown.map((name) => [name, { name, external: true }]));
}

function serviceThen(
  rendered: ComposeProject,
  { inspect, image, imageConfig, files }: Model,
  networkKeys: ReadonlyMap<string, string>,
  volumeKeys: ReadonlyMap<string, string>,
): ComposeService {
  const { Config, HostConfig, NetworkSettings } = inspect;
  const fixed = fixedName(rendered.name, inspect);
  const mode = HostConfig.NetworkMode ?? "default";
  const plain = mode === "host" || mode === "none" || mode === "bridge" || mode.includes(":");
  const networks = Object.entries(NetworkSettings.Networks).map(([network, endpoint]) => {
    const own = new Set([inspect.Id.slice(0, 12), containerOf(inspect).name, containerOf(inspect).service]);
    const { IPv4Address, IPv6Address } = endpoint.IPAMConfig ?? {};
    const aliases = (endpoint.Aliases ?? []).filter((alias) => !own.has(alias));
    return [
      networkKeys.get(network) ?? network,
      {
        aliases,
        ...(IPv4Address ? { ipv4_address: IPv4Address } : {}),
        ...(IPv6Address ? { ipv6_address: IPv6Address } : {}),
      },
    ] as const;
  });
  const { VolumesFrom } = HostConfig as { readonly VolumesFrom?: readonly string[] | null };
  return {
    image,
    labels: Config.Labels ?? {},
    environment: environmentOf(Config, imageConfig),
    ports: portsOf(inspect),
    volumes: mountsOf(inspect, volumeKeys),
    ...(fixed === undefined ? {} : { container_name: fixed }),
    ...(sameWords(Config.Cmd, imageConfig?.Cmd) ? {} : { command: (Config.Cmd ?? []).map(double) }),
    ...(VolumesFrom?.length ? { volumes_from: VolumesFrom } : {}),
    ...(HostConfig.Devices?.length ? { devices: HostConfig.Devices } : {}),
    ...(plain ? { network_mode: mode } : { networks: Object.fromEntries(networks) }),
    depends_on: dependenciesOf(Config.Labels ?? {}),
    ...(files === undefined ? filesNow(rendered.services[containerOf(inspect).service]) : usesThen(files)),
  };
}

/** What was copied into the container and is in no record, because it may be secret: its places then, the texts of now. */
function usesThen(files: readonly KeptFile[]): Pick<ComposeService, "configs" | "secrets"> {
  const of = (kind: KeptFile["of"]) =>
    files
      .filter((one) => one.of === kind && one.text === undefined)
      .map(({ source, path, uid, gid, mode }) => ({ source, target: path, uid: `${uid}`, gid: `${gid}`, mode }));
  return { configs: of("configs"), secrets: of("secrets") };
}

/** The engine does not show what compose copied into the container, and nobody noted it. */
function filesNow(service: ComposeService | undefined): Pick<ComposeService, "configs" | "secrets"> {
  const { configs, secrets } = service ?? {};
  return { ...(configs && { configs }), ...(secrets && { secrets }) };
}

/** The container's name, when it is not the one that compose makes up. */
export function fixedName(project: string, inspect: ContainerInspect): string | undefined {
  const { name, service, number } = containerOf(inspect);
  return name === `${project}-${service}-${number}` ? undefined : name;
}

/** Without what the image itself sets. */
function environmentOf(config: ContainerConfig, image: ContainerConfig | undefined): Record<string, string> {
  const own = new Set(image?.Env ?? []);
  const lines = (config.Env ?? []).filter((line) => !own.has(line));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [line, ""] : [line.slice(0, at), double(line.slice(at + 1))];
    }),
  );
}

function portsOf({ HostConfig }: ContainerInspect): ComposePort[] {
  return Object.entries(HostConfig.PortBindings ?? {}).flatMap(([key, bindings]) => {
    const [target, protocol = "tcp"] = key.split("/");
    return (bindings ?? []).map(({ HostIp, HostPort }) => ({
      target: Number(target),
      published: HostPort,
      host_ip: HostIp,
      protocol,
    }));
  });
}

function namedVolumes(inspect: ContainerInspect): ContainerInspect["Mounts"] {
  const anonymous = new Set(anonymousVolumes(inspect).map(({ name }) => name));
  return inspect.Mounts.filter(({ Type, Name }) => Type === "volume" && Name !== undefined && !anonymous.has(Name));
}

function mountsOf(inspect: ContainerInspect, keys: ReadonlyMap<string, string>): ComposeMount[] {
  const volumes = namedVolumes(inspect).map(({ Name = "", Destination, RW }) => {
    return { type: "volume", source: keys.get(Name) ?? Name, target: Destination, read_only: !RW };
  });
  const binds = inspect.Mounts.filter(({ Type }) => Type === "bind").map(({ Source, Destination, RW }) => {
    return { type: "bind", source: Source, target: Destination, read_only: !RW };
  });
  return [...volumes, ...binds];
}

/** `db:service_healthy:false,cache:service_started:true`, as compose writes it on each container (v2.40, `api.DependenciesLabel`). */
function dependenciesOf(labels: Readonly<Record<string, string>>): Record<string, ComposeDependency> {
  const entries = (labels[COMPOSE_LABELS.dependsOn] ?? "").split(",").filter((one) => one !== "");
  return Object.fromEntries(
    entries.map((one) => {
      const [name = "", condition = "service_started"] = one.split(":");
      return [name, { condition: condition as ComposeDependency["condition"] }];
    }),
  );
}

function sameWords(a: readonly string[] | null | undefined, b: readonly string[] | null | undefined): boolean {
  return JSON.stringify(a ?? []) === JSON.stringify(b ?? []);
}

/** Compose writes `$` as `$$` in what it renders, and so does whoever takes part in that. */
function double(text: string): string {
  return text.replaceAll("$", "$$$$");
}
