import { BelayError } from "@belay/core";
import type {
  ConfigReference,
  ContainerSpec,
  SecretReference,
  ServiceSpec,
  TaskSpec,
  UpdateConfig,
} from "@belay/docker";
import { compact } from "./compact.ts";
import { goDuration } from "./go-duration.ts";
import {
  STACK_LABEL,
  type StackDocument,
  type StackHealthcheck,
  type StackPort,
  type StackService,
  type StackUpdate,
} from "./stack-document.ts";
import { translateAttachments } from "./translate-attachments.ts";
import { translateCapabilities } from "./translate-capabilities.ts";
import { translateMode } from "./translate-mode.ts";
import { translateMount } from "./translate-mount.ts";
import { translateResources } from "./translate-resources.ts";
import { translateRestart } from "./translate-restart.ts";

/** Label of `docker stack deploy` that tells the image of the files. */
const IMAGE_LABEL = "com.docker.stack.image";

export interface ServiceParts {
  readonly document: StackDocument;
  readonly stack: string;
  /** Key in the files. */
  readonly key: string;
  /** The image that goes to the engine. */
  readonly image: string;
  readonly configs: readonly ConfigReference[];
  readonly secrets: readonly SecretReference[];
  readonly platforms: readonly { readonly os: string; readonly architecture: string }[];
}

/**
 * The spec that `docker stack deploy` would send for a service of the files (docker/cli, `compose/convert/service.go`), but
 * for the ids of configs and secrets, which are empty. Pure.
 * @throws BelayError CONFIG_INVALID for what that command refuses too.
 */
export function translateService(parts: ServiceParts): ServiceSpec {
  const { document, stack, key, image } = parts;
  const service = document.services[key] ?? {};
  const deploy = service.deploy ?? {};
  return compact({
    Name: `${stack}_${key}`,
    Labels: { ...deploy.labels, [STACK_LABEL]: stack, [IMAGE_LABEL]: image },
    TaskTemplate: taskSpec(parts, service),
    Mode: translateMode(deploy, key),
    UpdateConfig: updateConfig(deploy.update_config),
    RollbackConfig: updateConfig(deploy.rollback_config),
    EndpointSpec: compact({
      Mode: deploy.endpoint_mode?.toLowerCase() as "vip" | "dnsrr" | undefined,
      Ports: ports(service.ports),
    }),
  });
}

function taskSpec(parts: ServiceParts, service: StackService): TaskSpec {
  const { document, stack, key, platforms } = parts;
  const { placement, resources, restart_policy } = service.deploy ?? {};
  const { logging } = service;
  // Empty objects are sent where the command line sends them: with and without them are two specs for the engine, and a
  // plain `docker stack deploy` afterwards would start all tasks anew.
  return compact({
    ContainerSpec: containerSpec(parts, service),
    LogDriver: logging && compact({ Name: logging.driver, Options: logging.options }),
    Resources: translateResources(resources, key),
    RestartPolicy: translateRestart(service.restart, restart_policy, key),
    Placement: compact({
      Constraints: placement?.constraints,
      Preferences: placement?.preferences?.map(({ spread = "" }) => ({ Spread: { SpreadDescriptor: spread } })),
      MaxReplicas: placement?.max_replicas_per_node || undefined,
      // The nodes say `armv7l` where images say `arm` (moby/swarmkit issue 2294).
      Platforms: platforms.map(({ os, architecture }) =>
        compact({ Architecture: architecture.toLowerCase() === "arm" ? undefined : architecture, OS: os }),
      ),
    }),
    Networks: translateAttachments(service.networks, document, stack, key),
  });
}

function containerSpec(parts: ServiceParts, service: StackService): ContainerSpec {
  const { document, stack, key, image, configs, secrets } = parts;
  const capabilities = translateCapabilities(service.cap_add, service.cap_drop);
  const grace = service.stop_grace_period;
  return compact({
    Image: image,
    Command: service.entrypoint,
    Args: service.command,
    Hostname: service.hostname,
    Hosts: service.extra_hosts?.flatMap(hostEntry),
    DNSConfig: dnsConfig(service),
    Healthcheck: healthcheck(service.healthcheck, key),
    Env: environment(service.environment),
    Labels: { ...service.labels, [STACK_LABEL]: stack },
    Dir: service.working_dir,
    User: service.user,
    Mounts: service.volumes?.map((mount) => translateMount(mount, document, stack, key)),
    StopGracePeriod: grace === undefined ? undefined : goDuration(grace),
    StopSignal: service.stop_signal,
    TTY: service.tty || undefined,
    OpenStdin: service.stdin_open || undefined,
    Secrets: secrets,
    Configs: configs,
    ReadOnly: service.read_only || undefined,
    Privileges: privileges(service, configs, key),
    Isolation: service.isolation,
    Init: service.init,
    Sysctls: service.sysctls,
    CapabilityAdd: capabilities.add,
    CapabilityDrop: capabilities.drop,
    Ulimits: ulimits(service.ulimits),
  });
}

function hostEntry(entry: string): string[] {
  const at = entry.indexOf(":");
  return at < 0 ? [] : [`${entry.slice(at + 1)} ${entry.slice(0, at)}`];
}

function dnsConfig({ dns, dns_search }: StackService): object | undefined {
  if (dns === undefined && dns_search === undefined) return undefined;
  return compact({ Nameservers: dns, Search: dns_search });
}

function environment(of: StackService["environment"]): string[] {
  const lines = Object.entries(of ?? {}).map(([name, value]) => (value === null ? name : `${name}=${value}`));
  return lines.sort();
}

function healthcheck(of: StackHealthcheck | undefined, service: string) {
  if (of === undefined) return undefined;
  if (of.disable) {
    if (!of.test?.length) return { Test: ["NONE"] };
    const doing = `translating the health check of the service ${service}`;
    throw new BelayError("CONFIG_INVALID", { doing, got: "it has a test and is disabled", next: "Take one out." });
  }
  const time = (text: string | undefined): number | undefined => (text === undefined ? undefined : goDuration(text));
  return compact({
    Test: of.test,
    Timeout: time(of.timeout),
    Interval: time(of.interval),
    Retries: of.retries,
    StartPeriod: time(of.start_period),
    StartInterval: time(of.start_interval),
  });
}

/** A credential spec in a config goes by the config's name here: its id is not known yet. */
function privileges(service: StackService, configs: readonly ConfigReference[], key: string): object {
  const { config, file, registry } = service.credential_spec ?? {};
  const given = [config, file, registry].filter((one) => one !== undefined && one !== "");
  if (given.length === 0) return {};
  if (given.length > 1) {
    const doing = `translating the credential spec of the service ${key}`;
    throw new BelayError("CONFIG_INVALID", { doing, got: "it has more than one source", next: "Leave one." });
  }
  const runtime = configs.find(({ Runtime }) => Runtime !== undefined)?.ConfigName;
  return { CredentialSpec: compact({ Config: config ? runtime : undefined, File: file, Registry: registry }) };
}

function ulimits(of: StackService["ulimits"]): object[] {
  const entries = Object.entries(of ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([Name, limit]) => {
    const { soft = 0, hard = 0 } = typeof limit === "number" ? { soft: limit, hard: limit } : limit;
    return { Name, Hard: hard, Soft: soft };
  });
}

function updateConfig(of: StackUpdate | undefined): UpdateConfig | undefined {
  if (of === undefined) return undefined;
  return compact({
    Parallelism: of.parallelism ?? 1,
    Delay: of.delay === undefined ? undefined : goDuration(of.delay),
    FailureAction: of.failure_action as UpdateConfig["FailureAction"],
    Monitor: of.monitor === undefined ? undefined : goDuration(of.monitor),
    MaxFailureRatio: of.max_failure_ratio ?? 0,
    Order: of.order as UpdateConfig["Order"],
  });
}

function ports(of: readonly StackPort[] | undefined) {
  const all = (of ?? []).map(({ protocol, target, published, mode }) =>
    compact({
      Protocol: protocol,
      TargetPort: target || undefined,
      PublishedPort: published || undefined,
      PublishMode: mode as "ingress" | "host" | undefined,
    }),
  );
  return all.sort((a, b) => (a.PublishedPort ?? 0) - (b.PublishedPort ?? 0));
}
