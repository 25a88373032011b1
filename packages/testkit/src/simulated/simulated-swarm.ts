import { containerEvent, containerId, SimulatedDocker, type SimulatedFilters } from "./simulated-docker.ts";
import type { SimulatedInstance } from "./simulated-fleet.ts";

const NODE = "node000000000000000000000";
const NETWORK = "network000000000000000000";
const AT = "2026-01-02T03:04:05.123456789Z";

/** A manager of a swarm: the part of the Engine API (1.47) that an observation asks. Compared with a real one by a test. */
export class SimulatedSwarm extends SimulatedDocker {
  protected find(path: string, filters: SimulatedFilters): object | undefined {
    if (path === "/services") return this.#services(filters.name);
    if (path === "/tasks") return this.#tasks(filters.service);
    if (path === "/nodes") return [nodeOf()];
    return path === "/networks" ? [networkOf()] : undefined;
  }

  protected override info(): object {
    const Swarm = { NodeID: NODE, LocalNodeState: "active", ControlAvailable: true, Error: "", Nodes: 1, Managers: 1 };
    return { ...super.info(), Swarm };
  }

  protected eventsOf(one: SimulatedInstance): readonly object[] {
    const ended = one.state === "ended";
    const event = {
      action: ended ? "die" : "start",
      container: containerId(one),
      image: `registry.test/fleet/service-${one.service}`,
      attributes: {
        "com.docker.swarm.node.id": NODE,
        "com.docker.swarm.service.id": serviceId(one.service),
        "com.docker.swarm.service.name": serviceName(one.service),
        "com.docker.swarm.task.id": one.id,
        ...(ended ? { exitCode: "0" } : {}),
      },
      order: one.version,
    };
    return [containerEvent(event)];
  }

  #services(names: ReadonlySet<string> | undefined): object[] {
    const all = Array.from({ length: this.fleet.size.services }, (_, index) => index);
    return all.filter((index) => names?.has(serviceName(index)) ?? true).map((index) => this.#serviceOf(index));
  }

  #tasks(ids: ReadonlySet<string> | undefined): object[] {
    const services = ids && new Set([...ids].map((id) => Number.parseInt(id.slice("service".length), 10)));
    return [...this.fleet.instances(services)].map(taskOf);
  }

  #serviceOf(index: number): object {
    return {
      ID: serviceId(index),
      Version: { Index: 500 + (this.fleet.desired(index) - this.fleet.size.instancesPerService) },
      CreatedAt: AT,
      UpdatedAt: AT,
      Spec: {
        Name: serviceName(index),
        Labels: { "com.docker.stack.namespace": "fleet" },
        TaskTemplate: { ...taskSpec(index, 2), ForceUpdate: 0, Runtime: "container" },
        Mode: { Replicated: { Replicas: this.fleet.desired(index) } },
        UpdateConfig: update(),
        EndpointSpec: { Mode: "dnsrr" },
      },
      PreviousSpec: {
        Name: serviceName(index),
        Labels: { "com.docker.stack.namespace": "fleet" },
        TaskTemplate: { ...taskSpec(index, 1), ForceUpdate: 0, Runtime: "container" },
        Mode: { Replicated: { Replicas: this.fleet.size.instancesPerService } },
        UpdateConfig: update(),
        EndpointSpec: { Mode: "dnsrr" },
      },
      Endpoint: { Spec: {} },
      UpdateStatus: { State: "updating", StartedAt: AT, Message: "update in progress" },
    };
  }
}

export function serviceName(index: number): string {
  return `fleet_service-${index}`;
}

function serviceId(index: number): string {
  return `service${String(index).padStart(18, "0")}`;
}

function update(): object {
  return {
    Parallelism: 1,
    FailureAction: "pause",
    Monitor: 5_000_000_000,
    MaxFailureRatio: 0,
    Order: "start-first",
  };
}

function taskSpec(service: number, release: 1 | 2): object {
  return {
    ContainerSpec: {
      Image: `registry.test/fleet/service-${service}@sha256:${String(release).repeat(64)}`,
      Labels: { "com.docker.stack.namespace": "fleet" },
      Env: [`SERVICE=service-${service}`, "LOG_LEVEL=info", "DATABASE_HOST=database.internal", "PORT=8080"],
      Privileges: { CredentialSpec: null, SELinuxContext: null },
      StopGracePeriod: 10_000_000_000,
      Healthcheck: { Test: ["CMD", "/bin/health"], Interval: 5_000_000_000, Timeout: 2_000_000_000, Retries: 3 },
      Isolation: "default",
    },
    Resources: { Limits: { MemoryBytes: 268_435_456 }, Reservations: { NanoCPUs: 100_000_000 } },
    RestartPolicy: { Condition: "any", Delay: 5_000_000_000, MaxAttempts: 0 },
    Placement: { Platforms: [{ Architecture: "amd64", OS: "linux" }] },
    Networks: [{ Target: NETWORK, Aliases: [`service-${service}`] }],
    ForceUpdate: 0,
  };
}

function taskOf(one: SimulatedInstance): object {
  const ended = one.state === "ended";
  return {
    ID: one.id,
    Version: { Index: one.version },
    CreatedAt: AT,
    UpdatedAt: AT,
    Labels: {},
    Spec: taskSpec(one.service, one.release),
    ServiceID: serviceId(one.service),
    Slot: one.slot,
    NodeID: NODE,
    Status: {
      Timestamp: AT,
      State: ended ? "shutdown" : "running",
      Message: ended ? "shutdown" : "started",
      ContainerStatus: { ContainerID: containerId(one), PID: ended ? 0 : 4_000 + one.slot, ExitCode: 0 },
      PortStatus: {},
    },
    DesiredState: ended ? "shutdown" : "running",
    NetworksAttachments: [
      {
        Network: {
          ID: NETWORK,
          Version: { Index: 18 },
          CreatedAt: AT,
          UpdatedAt: AT,
          Spec: {
            Name: "fleet_default",
            Labels: { "com.docker.stack.namespace": "fleet" },
            DriverConfiguration: { Name: "overlay" },
            IPAMOptions: { Driver: { Name: "default" } },
            Scope: "swarm",
          },
          DriverState: { Name: "overlay", Options: { "com.docker.network.driver.overlay.vxlanid_list": "4097" } },
          IPAMOptions: { Driver: { Name: "default" }, Configs: [{ Subnet: "10.0.0.0/16", Gateway: "10.0.0.1" }] },
        },
        Addresses: [`10.0.${one.service % 250}.${one.slot}/16`],
      },
    ],
  };
}

function nodeOf(): object {
  return {
    ID: NODE,
    Version: { Index: 9 },
    CreatedAt: AT,
    UpdatedAt: AT,
    Spec: { Labels: {}, Role: "manager", Availability: "active" },
    Description: { Hostname: "node", Platform: { Architecture: "x86_64", OS: "linux" }, Engine: {} },
    Status: { State: "ready", Addr: "127.0.0.1" },
    ManagerStatus: { Leader: true, Reachability: "reachable", Addr: "127.0.0.1:2377" },
  };
}

function networkOf(): object {
  return { Id: NETWORK, Name: "fleet_default", Scope: "swarm", Driver: "overlay", Created: AT };
}
