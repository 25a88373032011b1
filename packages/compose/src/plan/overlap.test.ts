import { describe, expect, it } from "vitest";
import type { ComposeService } from "../files/compose-project.ts";
import { namespaceGuests, overlapObstacles } from "./overlap.ts";

const checks = (service: ComposeService, both = 2, replicas = 1): string[] =>
  overlapObstacles(service, both, replicas).map(({ check }) => check);

describe("what can't run twice", () => {
  it.each<[string, ComposeService, string[]]>([
    ["a port that the engine chooses", { ports: [{ target: 80 }, { target: 81, published: "0" }] }, []],
    ["a fixed port", { ports: [{ target: 80, published: "8080" }] }, ["fixed_port"]],
    ["a range of ports with room", { ports: [{ target: 80, published: "8080-8081" }] }, []],
    ["a container_name", { container_name: "shop" }, ["container_name"]],
    ["a writable volume", { volumes: [{ type: "volume", source: "data", target: "/d" }] }, ["writable_volume"]],
    ["a read-only volume", { volumes: [{ type: "volume", source: "data", read_only: true }] }, []],
    ["an anonymous volume", { volumes: [{ type: "volume", target: "/d" }] }, []],
    ["a writable bind mount", { volumes: [{ type: "bind", source: "/srv", target: "/d" }] }, ["writable_bind"]],
    ["the engine's socket", { volumes: [{ type: "bind", source: "/var/run/docker.sock" }] }, []],
    ["a tmpfs", { volumes: [{ type: "tmpfs", target: "/t" }] }, []],
    ["another's volumes", { volumes_from: ["db", "cache:ro"] }, ["writable_volume"]],
    ["a device", { devices: [{ source: "/dev/ttyUSB0" }] }, ["device"]],
    ["the host's network", { network_mode: "host" }, ["shared_network"]],
    ["another's network", { network_mode: "service:vpn" }, ["shared_network"]],
    ["a fixed address", { networks: { a: { ipv4_address: "10.0.0.9" }, b: null } }, ["static_address"]],
  ])("%s", (_, service, expected) => {
    expect(checks(service)).toEqual(expected);
  });

  it("counts old and new containers against a range of ports", () => {
    const ports = [{ target: 80, published: "8080-8082" }];
    expect(checks({ ports }, 3)).toEqual([]);
    expect(checks({ ports }, 4)).toEqual(["fixed_port"]);
  });

  it("lets a service that shares its volume between copies anyway have one more", () => {
    expect(checks({ volumes: [{ type: "volume", source: "uploads" }] }, 4, 2)).toEqual([]);
  });

  it("names the services that live in its container", () => {
    const services = { web: {}, vpn: { network_mode: "service:web" }, spy: { pid: "service:web" }, other: {} };
    expect(namespaceGuests({ name: "shop", services }, "web")).toEqual(["vpn", "spy"]);
  });
});
