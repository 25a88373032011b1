import type { RegistryAuth, SwarmNode } from "@belay/docker";
import { createTestLog } from "@belay/testkit";
import { expect, it, vi } from "vitest";
import type { TargetState } from "../target-state.ts";
import type { PlannedService } from "./plan-detail.ts";
import { expiringCredentials, registryOf } from "./registry-credentials.ts";

const JOBS: RegistryAuth = { username: "ada", password: "ghs_secret" };

const nodes = (count: number): SwarmNode[] =>
  Array.from({ length: count }, (_, at) => ({
    ...{ ID: `n${at}`, Spec: { Role: "worker", Availability: "active" }, Status: { State: "ready" } },
    Description: { Hostname: `node${at}`, Platform: { OS: "linux", Architecture: "x86_64" } },
  })) as unknown as SwarmNode[];

function planned(service: string, image: string, more: Partial<PlannedService> & { constraint?: string } = {}) {
  const { constraint, ...rest } = more;
  const Placement = constraint === undefined ? {} : { Constraints: [constraint] };
  const spec = {
    Name: service,
    Mode: { Replicated: {} },
    TaskTemplate: { ContainerSpec: { Image: image }, Placement },
  };
  const draft = () => spec;
  return { service, name: service, action: "update", goal: "run", image, draft, ...rest } as unknown as PlannedService;
}

function stateWith(registryAuth?: (registry: string) => Promise<RegistryAuth | undefined>) {
  const log = createTestLog();
  return { log, state: { options: { log, ...(registryAuth && { registryAuth }) } } as unknown as TargetState };
}

it("are told of once per registry, with the services and the remedy, and without the secret", async () => {
  const asked = vi.fn(async (registry: string) => (registry === "docker.io" ? undefined : JOBS));
  const { state } = stateWith(asked);
  const services = [
    planned("web", "ghcr.io/acme/web@sha256:1"),
    planned("api", "ghcr.io/acme/api@sha256:2", { action: "create" }),
    planned("cache", "redis@sha256:3"),
    planned("own", "registry.example/own@sha256:4"),
  ];
  const found = await expiringCredentials(state, services, nodes(2));
  expect(found).toEqual([
    {
      level: "warn",
      check: "credentials_expire",
      message: expect.stringMatching(/GITHUB_TOKEN.*ends with the job.*for ghcr\.io: .*\(of web, api\)/),
      remedy: expect.stringContaining("personal access token"),
    },
  ]);
  expect(JSON.stringify(found)).not.toContain("secret");
  expect(asked.mock.calls.flat()).toEqual(["ghcr.io", "docker.io", "registry.example"]);
});

const WEB = "ghcr.io/acme/web@sha256:1";

it.each<[string, PlannedService, number]>([
  ["on a swarm of one node, which keeps the image", planned("web", WEB), 1],
  ["bound to one node of several", planned("web", WEB, { constraint: "node.hostname == node1" }), 3],
  ["that is removed", planned("web", WEB, { action: "remove" }), 2],
  ["that runs once", planned("web", WEB, { goal: "complete" }), 2],
])("are no matter for a service %s", async (_, service, count) => {
  const { state } = stateWith(async () => JOBS);
  expect(await expiringCredentials(state, [service], nodes(count))).toEqual([]);
});

it("are not told of where there are none, and stop nothing where they can't be read", async () => {
  const services = [planned("web", WEB)];
  for (const auth of [undefined, async () => undefined]) {
    expect(await expiringCredentials(stateWith(auth).state, services, nodes(2))).toEqual([]);
  }
  const { state, log } = stateWith(async () => {
    throw new Error("the helper said no");
  });
  expect(await expiringCredentials(state, services, nodes(2))).toEqual([]);
  expect(log.text()).toBe("debug: whether the credentials for ghcr.io expire can't be told: the helper said no");
});

it.each([
  ["redis", "docker.io"],
  ["acme/web@sha256:1", "docker.io"],
  ["localhost/web", "localhost"],
  ["127.0.0.1:5000/acme/web", "127.0.0.1:5000"],
  ["ghcr.io/acme/web", "ghcr.io"],
])("%s comes from %s", (image, registry) => expect(registryOf(image)).toBe(registry));
