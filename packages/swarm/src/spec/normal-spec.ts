import { canonicalJson, LABELS } from "@belay/core";
import type { Labels, PortConfig, ServiceMode, ServiceSpec, TaskSpec, UpdateConfig } from "@belay/docker";
import { credentialSpecByName, withCredentialSpec } from "./credential-spec.ts";
import { plain } from "./plain.ts";

/** Name of a network by its id; what is unknown stays as it is. */
export type NetworkNames = ReadonlyMap<string, string>;

/**
 * A task's spec in one form, however it was written: the engine fills in some of its defaults when it shows one
 * (moby, `cluster/convert/service.go`), and leaves others out. Without `ForceUpdate`, which makes the engine replace tasks by
 * the same ones, and without ids of configs and secrets, whose names never change their content.
 */
export function normalTask({ ForceUpdate, ...spec }: TaskSpec, networks: NetworkNames): unknown {
  const { ContainerSpec } = spec;
  const container = ContainerSpec && withCredentialSpec(ContainerSpec, credentialSpecByName(ContainerSpec));
  return plain({
    ...spec,
    Runtime: unless(spec.Runtime, "container"),
    ContainerSpec: container && {
      ...container,
      Isolation: unless(container.Isolation, "default"),
      Privileges: normalPrivileges(container.Privileges),
      Secrets: container.Secrets?.map(({ SecretID, ...reference }) => reference),
      Configs: container.Configs?.map(({ ConfigID, ...reference }) => reference),
    },
    Networks: spec.Networks?.map((network) => ({ ...network, Target: networks.get(network.Target) ?? network.Target })),
    RestartPolicy: spec.RestartPolicy && {
      ...spec.RestartPolicy,
      Condition: unless(spec.RestartPolicy.Condition, "any"),
      MaxAttempts: unless(spec.RestartPolicy.MaxAttempts, 0),
      Window: unless(spec.RestartPolicy.Window, 0),
    },
  });
}

/** Engines from API 1.46 on show `NoNewPrivileges: false` to those who said nothing. */
function normalPrivileges(privileges: unknown): unknown {
  if (typeof privileges !== "object" || privileges === null) return privileges;
  const { NoNewPrivileges, ...rest } = privileges as { readonly NoNewPrivileges?: boolean };
  return NoNewPrivileges === true ? privileges : rest;
}

/** All of a service's spec besides the task template, in one form. Labels of Belay only when they are asked for. */
export function normalFrame(spec: ServiceSpec, ownLabels: "with labels of Belay" | "without"): string {
  const { TaskTemplate, Labels, EndpointSpec, UpdateConfig, RollbackConfig, ...rest } = spec;
  const frame = plain({
    ...rest,
    Mode: normalMode(rest.Mode),
    Labels: ownLabels === "without" ? foreignLabels(Labels) : Labels,
    EndpointSpec: EndpointSpec && {
      ...EndpointSpec,
      Mode: unless(EndpointSpec.Mode, "vip"),
      Ports: EndpointSpec.Ports?.map(normalPort),
    },
    UpdateConfig: normalUpdate(UpdateConfig),
    RollbackConfig: normalUpdate(RollbackConfig),
  });
  return canonicalJson(frame ?? {});
}

/** Of a replicated job that says nothing the engine shows both numbers, and as many completions as tasks at a time. */
function normalMode(mode: ServiceMode | null | undefined): ServiceMode | null | undefined {
  if (mode?.ReplicatedJob == null) return mode;
  const { MaxConcurrent = 1, TotalCompletions = MaxConcurrent } = mode.ReplicatedJob;
  return { ...mode, ReplicatedJob: { MaxConcurrent, TotalCompletions } };
}

function normalPort(port: PortConfig): PortConfig {
  const { Protocol = "tcp", PublishMode = "ingress" } = port;
  return { ...port, Protocol, PublishMode };
}

function normalUpdate(update: UpdateConfig | null | undefined): object | undefined {
  if (update == null) return undefined;
  const { FailureAction = "pause", Order = "stop-first", Delay = 0, Monitor = 0, MaxFailureRatio = 0 } = update;
  return { ...update, FailureAction, Order, Delay, Monitor, MaxFailureRatio };
}

function unless<T>(value: T, usual: T): T | undefined {
  return value === usual ? undefined : value;
}

const OWN = new Set<string>(Object.values(LABELS));

/** The labels that are not Belay's. */
export function foreignLabels(labels: Labels | null | undefined): Labels {
  return Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => !OWN.has(key)));
}
