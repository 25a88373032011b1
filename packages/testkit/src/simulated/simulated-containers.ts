import { containerId } from "./simulated-docker.ts";
import type { SimulatedInstance } from "./simulated-fleet.ts";

export const PROJECT = "fleet";
const NETWORK = `${PROJECT}_default`;
const AT = "2026-01-02T03:04:05.123456789Z";
const NEVER = "0001-01-01T00:00:00Z";
const NETWORK_ID = "1".repeat(64);
const COMMAND = ["/bin/service", "--port", "8080"] as const;

type Labels = Readonly<Record<string, string>>;

interface Life {
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly labels: Labels;
}

/** What is an instance's own. `more`: labels that its release has beside compose's. */
export function lifeOf({ service, slot, release }: SimulatedInstance, more: Labels): Life {
  const [name, hash] = [`service-${service}`, `${String(service).padStart(62, "0")}a${release}`];
  return {
    // The next release's containers are numbered on.
    name: `${PROJECT}-${name}-${slot + 100 * (release - 1)}`,
    image: `registry.test/fleet/${name}@sha256:${hash}`,
    imageId: `sha256:${hash}`,
    labels: {
      "com.docker.compose.config-hash": hash,
      "com.docker.compose.container-number": `${slot + 100 * (release - 1)}`,
      "com.docker.compose.depends_on": "",
      "com.docker.compose.image": `sha256:${hash}`,
      "com.docker.compose.oneoff": "False",
      "com.docker.compose.project": PROJECT,
      "com.docker.compose.project.config_files": "-",
      "com.docker.compose.project.working_dir": "/srv/fleet",
      "com.docker.compose.service": name,
      "com.docker.compose.version": "2.40.3",
      ...more,
    },
  };
}

/** As `/containers/json` lists it. */
export function containerListed(one: SimulatedInstance, more: Labels): object {
  const { name, image, imageId, labels } = lifeOf(one, more);
  const { Aliases: _aliases, ...place } = placeOf(one);
  return {
    Id: containerId(one),
    Names: [`/${name}`],
    Image: image,
    ImageID: imageId,
    Command: `"${COMMAND.join(" ")}"`,
    Created: Math.floor(Date.parse(AT) / 1_000),
    Ports: [{ PrivatePort: 8080, Type: "tcp" }],
    Labels: labels,
    State: "running",
    Status: "Up 5 minutes (healthy)",
    HostConfig: { NetworkMode: NETWORK },
    NetworkSettings: { Networks: { [NETWORK]: { ...place, Aliases: null } } },
    Mounts: [],
  };
}

/** As `/containers/<id>/json` shows it. */
export function containerOf(one: SimulatedInstance, more: Labels): object {
  const { name, image, imageId, labels } = lifeOf(one, more);
  const id = containerId(one);
  const [Path, ...Args] = COMMAND;
  const file = (what: string): string => `/var/lib/docker/containers/${id}/${what}`;
  return {
    Id: id,
    Created: timeOf(one),
    ...{ Path, Args, State: stateOf(one), Image: imageId },
    ...{ ResolvConfPath: file("resolv.conf"), HostnamePath: file("hostname"), HostsPath: file("hosts") },
    ...{ LogPath: file(`${id}-json.log`), Name: `/${name}`, RestartCount: 0, Driver: "overlay2", Platform: "linux" },
    ...{ MountLabel: "", ProcessLabel: "", AppArmorProfile: "", ExecIDs: null },
    HostConfig: hostConfig(),
    GraphDriver: graphOf(id),
    Mounts: [],
    Config: {
      ...{ Hostname: id.slice(0, 12), Domainname: "", User: "" },
      ...{ AttachStdin: false, AttachStdout: true, AttachStderr: true, Tty: false, OpenStdin: false, StdinOnce: false },
      ExposedPorts: { "8080/tcp": {} },
      Env: [`SERVICE=service-${one.service}`, "LOG_LEVEL=info", "DATABASE_HOST=database.internal", "PORT=8080"],
      Cmd: COMMAND,
      Healthcheck: { Test: ["CMD", "/bin/health"], Interval: 5_000_000_000, Timeout: 2_000_000_000, Retries: 3 },
      ...{ Image: image, Volumes: null, WorkingDir: "", Entrypoint: null, OnBuild: null, Labels: labels },
    },
    NetworkSettings: {
      ...{ Bridge: "", SandboxID: id, HairpinMode: false, LinkLocalIPv6Address: "", LinkLocalIPv6PrefixLen: 0 },
      ...{ Ports: { "8080/tcp": null }, SandboxKey: `/var/run/docker/netns/${id.slice(0, 12)}` },
      ...{ SecondaryIPAddresses: null, SecondaryIPv6Addresses: null, EndpointID: "", Gateway: "", IPAddress: "" },
      ...{ GlobalIPv6Address: "", GlobalIPv6PrefixLen: 0, IPPrefixLen: 0, IPv6Gateway: "", MacAddress: "" },
      Networks: { [NETWORK]: placeOf(one) },
    },
  };
}

/** An image, as `/images/<id>/json` shows it. */
export function imageOf(id: string): object {
  return {
    Id: id,
    RepoTags: [],
    RepoDigests: [`registry.test/fleet/service@${id}`],
    ...{ Parent: "", Comment: "", Created: AT, DockerVersion: "", Author: "" },
    Config: {
      ...{ Hostname: "", Domainname: "", User: "", Env: ["PATH=/bin"], Cmd: COMMAND, WorkingDir: "", Entrypoint: null },
    },
    ...{ Architecture: "amd64", Os: "linux", Size: 12_345_678 },
    RootFS: { Type: "layers", Layers: [id] },
  };
}

/** Healthy for a while: the engine shows the last five answers of its check. */
function stateOf(one: SimulatedInstance): object {
  const at = timeOf(one);
  const answers = [5, 6, 7, 8, 9].map((second) => ({
    ...{ Start: at.replace("05.", `0${second}.`), End: at.replace("05.", `0${second}.`).replace(/.Z$/, "9Z") },
    ...{ ExitCode: 0, Output: "ok\n" },
  }));
  return {
    ...{ Status: "running", Running: true, Paused: false, Restarting: false, OOMKilled: false, Dead: false },
    ...{ Pid: 4_000 + one.slot, ExitCode: 0, Error: "", StartedAt: at, FinishedAt: NEVER },
    Health: { Status: "healthy", FailingStreak: 0, Log: answers },
  };
}

/** One's own for each instance, as it would be. */
function timeOf({ version }: SimulatedInstance): string {
  return AT.replace("123456789", String(version).padStart(9, "1"));
}

function placeOf(one: SimulatedInstance): Readonly<Record<string, unknown>> {
  const { service, slot } = one;
  const id = containerId(one);
  return {
    ...{ IPAMConfig: null, Links: null, Aliases: [lifeOf(one, {}).name, `service-${service}`, id.slice(0, 12)] },
    ...{ NetworkID: NETWORK_ID, EndpointID: id, Gateway: "10.0.0.1", IPAddress: `10.0.${service % 250}.${slot}` },
    ...{ IPPrefixLen: 16, IPv6Gateway: "", GlobalIPv6Address: "", GlobalIPv6PrefixLen: 0 },
    ...{ MacAddress: "02:42:0a:00:00:02", DriverOpts: null },
  };
}

function graphOf(id: string): object {
  const layer = (what: string): string => `/var/lib/docker/overlay2/${id}/${what}`;
  const Data = {
    LowerDir: layer("lower"),
    MergedDir: layer("merged"),
    UpperDir: layer("diff"),
    WorkDir: layer("work"),
  };
  return { Data, Name: "overlay2" };
}

/** Most of it is said for every container, whether anybody asked for it or not. */
function hostConfig(): object {
  return {
    ...{ Binds: null, ContainerIDFile: "", LogConfig: { Type: "json-file", Config: {} }, NetworkMode: NETWORK },
    ...{ PortBindings: {}, RestartPolicy: { Name: "unless-stopped", MaximumRetryCount: 0 }, AutoRemove: false },
    ...{ VolumeDriver: "", VolumesFrom: null, CapAdd: null, CapDrop: null, CgroupnsMode: "private" },
    ...{ Dns: null, DnsOptions: null, DnsSearch: null, ExtraHosts: [], GroupAdd: null, IpcMode: "private", Cgroup: "" },
    ...{ Links: null, OomScoreAdj: 0, PidMode: "", Privileged: false, PublishAllPorts: false, ReadonlyRootfs: false },
    ...{ SecurityOpt: null, UTSMode: "", UsernsMode: "", ShmSize: 67_108_864, Runtime: "runc", Isolation: "" },
    ...{ ConsoleSize: [0, 0], CpuShares: 0, Memory: 0, NanoCpus: 0, CgroupParent: "", BlkioWeight: 0 },
    ...{ BlkioWeightDevice: null, BlkioDeviceReadBps: null, BlkioDeviceWriteBps: null, BlkioDeviceReadIOps: null },
    ...{ BlkioDeviceWriteIOps: null, CpuPeriod: 0, CpuQuota: 0, CpuRealtimePeriod: 0, CpuRealtimeRuntime: 0 },
    ...{ CpusetCpus: "", CpusetMems: "", Devices: null, DeviceCgroupRules: null, DeviceRequests: null },
    ...{ MemoryReservation: 0, MemorySwap: 0, MemorySwappiness: null, OomKillDisable: false, PidsLimit: null },
    ...{ Ulimits: null, CpuCount: 0, CpuPercent: 0, IOMaximumIOps: 0, IOMaximumBandwidth: 0 },
    MaskedPaths: [..."acpi interrupts kcore keys latency_stats timer_list".split(" ")].map((name) => `/proc/${name}`),
    ReadonlyPaths: [..."bus fs irq sys sysrq-trigger".split(" ")].map((name) => `/proc/${name}`),
  };
}
