import { LABELS } from "@belay/core";
import type { ContainerInspect } from "@belay/docker";
import { type ComposeContainer, containerOf } from "../containers/compose-container.ts";

export const ZERO_TIME = "0001-01-01T00:00:00Z";

/** A running container of the service `web` in the project `shop`; parts of it can be given otherwise. */
export function inspectOf(
  id: string,
  more: {
    readonly state?: Partial<ContainerInspect["State"]>;
    readonly config?: ContainerInspect["Config"];
    readonly host?: ContainerInspect["HostConfig"];
    readonly labels?: Readonly<Record<string, string>>;
    readonly networks?: ContainerInspect["NetworkSettings"]["Networks"];
    readonly mounts?: ContainerInspect["Mounts"];
    readonly restarts?: number;
  } = {},
): ContainerInspect {
  return {
    Id: id,
    Name: `/shop-web-${id}`,
    Created: "2026-01-01T10:00:00Z",
    Image: "sha256:aa",
    RestartCount: more.restarts ?? 0,
    Path: "",
    Args: [],
    State: {
      ...{ Status: "running", Running: true, Paused: false, Restarting: false, OOMKilled: false, Dead: false },
      ...{ Pid: 1, ExitCode: 0, Error: "", StartedAt: "2026-01-01T10:00:01Z", FinishedAt: ZERO_TIME },
      ...more.state,
    },
    Config: {
      Image: "shop:1",
      ...more.config,
      Labels: {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "web",
        "com.docker.compose.container-number": "1",
        "com.docker.compose.config-hash": "0123456789abcdef",
        ...more.labels,
      },
    },
    HostConfig: { NetworkMode: "shop_default", ...more.host },
    Mounts: more.mounts ?? [],
    NetworkSettings: { Networks: more.networks ?? {} },
  };
}

export function container(id: string, more: Parameters<typeof inspectOf>[1] = {}): ComposeContainer {
  return containerOf(inspectOf(id, more));
}

/** Labels of a container that Belay made. */
export function madeBy(scope: string, deployment: number, hash: string): Record<string, string> {
  return {
    [LABELS.scope]: scope,
    [LABELS.deployment]: String(deployment),
    [LABELS.revision]: `${hash}.${deployment}`,
    [LABELS.release]: "sha256:bb",
  };
}

export const EXITED = { Status: "exited", Running: false } as const;
