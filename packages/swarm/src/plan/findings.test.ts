import type { PortConfig, Service, ServiceSpec } from "@belay/docker";
import { expect, it } from "vitest";
import type { TargetState } from "../target-state.ts";
import { type Circumstances, findObstacles } from "./findings.ts";
import type { PlannedService } from "./plan-detail.ts";

const PORT: PortConfig = { PublishedPort: 8080, TargetPort: 80, Protocol: "tcp", PublishMode: "ingress" };

function specOf(name: string, ...ports: PortConfig[]): ServiceSpec {
  return {
    ...{ Name: `shop_${name}`, Labels: {}, Mode: { Replicated: { Replicas: 1 } }, EndpointSpec: { Ports: ports } },
    TaskTemplate: { ContainerSpec: { Image: name } },
  } as ServiceSpec;
}

function planned(name: string, was: ServiceSpec, will: ServiceSpec | undefined): PlannedService {
  return {
    ...{ service: name, name: was.Name, goal: "run", desired: 1, dependsOn: [], ready: 1, image: name },
    ...{ revision: name, digests: [], current: { ID: name, Spec: was } as Service },
    ...(will === undefined ? { action: "remove" } : { action: "update", draft: () => will }),
  };
}

/** What is said of the port that `web` is to have, and that `api` has. */
function remedy(api: readonly PlannedService[]): readonly (string | undefined)[] {
  const [mine, theirs] = [specOf("web"), specOf("api", PORT)];
  const existing = [mine, theirs].map((Spec) => ({ ID: Spec.Name, Spec }) as Service);
  const services = [...api, planned("web", mine, specOf("web", PORT))];
  const circumstances = { nodes: [], existing, platforms: {} } as unknown as Circumstances;
  const found = findObstacles({} as TargetState, { services, labelledDeployment: 0 }, circumstances);
  return found.filter(({ check }) => check === "port_taken").map((one) => one.remedy);
}

it.each<[string, readonly PlannedService[], RegExp]>([
  ["of a service of others", [], /^Publish another one\.$/],
  ["which its owner keeps", [planned("api", specOf("api", PORT), specOf("api", PORT))], /^Publish another one\.$/],
  [
    "which its owner gives up in the same release",
    [planned("api", specOf("api", PORT), specOf("api", { ...PORT, PublishedPort: 8081 }))],
    /release shop_api without it first, and this one with it after that\.$/,
  ],
  ["whose owner goes", [planned("api", specOf("api", PORT), undefined)], /docker service rm shop_api /],
])("a port %s is refused, with what helps", (_, api, text) => {
  expect(remedy(api)).toEqual([expect.stringMatching(text)]);
});
