import type { NetworkInspect } from "@belay/docker";
import { taskRevision } from "../observe/task-revision.ts";
import { isTouched, type PlanContents } from "../plan/plan-detail.ts";
import { withOwnUpdateConfig } from "../spec/own-update-config.ts";
import type { NetworkSnapshot, ServiceSnapshot, Snapshot } from "../spec/snapshot.ts";
import type { TargetState } from "../target-state.ts";

/** All that is needed to restore the services that the plan touches. */
export async function takeSnapshot(state: TargetState, plan: PlanContents): Promise<Snapshot> {
  const touched = plan.services.filter(isTouched);
  const used = new Set(
    touched.flatMap(({ current }) => (current?.Spec.TaskTemplate.Networks ?? []).map(({ Target }) => Target)),
  );
  const listed = used.size === 0 ? [] : await state.docker.networks.list({ filters: { scope: ["swarm"] } });
  return {
    schema: "belay.swarm-snapshot/v1",
    stack: state.options.scope.project,
    whole: plan.stack !== undefined,
    labelledDeployment: plan.labelledDeployment,
    networks: listed.filter(({ Id }) => used.has(Id)).map(networkSnapshot),
    services: touched.map(({ service, name, goal, current, ready, replicas, dependsOn, desired }): ServiceSnapshot => {
      const rest = { service, name, goal, ready, dependsOn, ...(replicas === undefined ? {} : { replicas }) };
      if (current === undefined) return { ...rest, desired, revision: "none", image: "" };
      const { TaskTemplate, Mode } = current.Spec;
      return {
        ...rest,
        desired: Mode?.Replicated?.Replicas ?? desired,
        spec: withOwnUpdateConfig(current.Spec),
        revision: taskRevision(TaskTemplate, state.directory.networks),
        image: TaskTemplate.ContainerSpec?.Image ?? "",
      };
    }),
  };
}

/** As `docker network create` would make it. Subnets that the engine chose itself are asked for again. */
function networkSnapshot({ Id, Name, Driver, Internal, Labels, Options, ...rest }: NetworkInspect): NetworkSnapshot {
  const { Attachable, EnableIPv6, IPAM } = rest as { Attachable?: boolean; EnableIPv6?: boolean } & typeof rest;
  const body = { Name, Driver, Internal, Attachable: Attachable ?? false, EnableIPv6: EnableIPv6 ?? false };
  // The engine's own choice of a VXLAN id must not be asked for: it may have been given away.
  const { "com.docker.network.driver.overlay.vxlanid_list": _, ...options } = Options ?? {};
  return { id: Id, body: { ...body, CheckDuplicate: true, Labels: Labels ?? {}, Options: options, ...ranges(IPAM) } };
}

function ranges(ipam: NetworkInspect["IPAM"]): Pick<NetworkSnapshot["body"], "IPAM"> {
  const ranges = ipam?.Config ?? [];
  return ranges.length === 0 ? {} : { IPAM: { Config: ranges } };
}
