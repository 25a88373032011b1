import { describe, expect, it } from "vitest";
import type { ComposeProject, ComposeService } from "../files/compose-project.ts";
import { planHandOver, serviceAliases } from "./hand-over.ts";

const on = (...networks: string[]): ComposeService => ({
  networks: Object.fromEntries(networks.map((name) => [name, null])),
});
const shop = (services: ComposeProject["services"], more: Partial<ComposeProject> = {}): ComposeProject => ({
  name: "shop",
  services,
  ...more,
});
const after = (...names: string[]): ComposeService => ({
  depends_on: Object.fromEntries(names.map((name) => [name, { condition: "service_started" as const }])),
});
const nobody = new Set<string>();

describe("the hand-over of names", () => {
  it("leaves a network alone in which only the dependencies are", () => {
    const project = shop({ web: { ...on("front", "back"), ...after("db") }, proxy: on("front"), db: on("back") });
    expect(planHandOver(project, "web", nobody)).toEqual({ networks: ["front"], cuts: [] });
  });

  it("tells whose connections break where one network is for all", () => {
    const project = shop({ web: { ...on("default"), ...after("db") }, proxy: on("default"), db: on("default") });
    expect(planHandOver(project, "web", nobody)).toEqual({ networks: ["default"], cuts: ["db"] });
  });

  it("counts dependencies of dependencies", () => {
    const services = { web: { ...on("n"), ...after("api") }, api: { ...on("n"), ...after("db") }, db: on("n") };
    expect(planHandOver(shop(services), "web", nobody).networks).toEqual([]);
    expect(planHandOver(shop(services), "api", nobody)).toEqual({ networks: ["n"], cuts: ["db"] });
  });

  it("expects clients from outside in external networks and where others' containers are", () => {
    const web = shop({ web: on("edge") });
    expect(planHandOver(web, "web", nobody).networks).toEqual([]);
    expect(planHandOver(web, "web", new Set(["shop_edge"])).networks).toEqual(["edge"]);
    const external = shop({ web: on("edge") }, { networks: { edge: { name: "edge", external: true } } });
    expect(planHandOver(external, "web", nobody).networks).toEqual(["edge"]);
  });

  it.each<[string, ComposeService]>([
    ["Traefik", { labels: { "traefik.http.routers.web.rule": "Host(`a`)" } }],
    ["caddy-docker-proxy", { labels: { "caddy_1.reverse_proxy": "{{upstreams}}" } }],
    ["nginx-proxy", { environment: { VIRTUAL_HOST: "a" } }],
  ])("does not change the address of what %s finds by itself", (name, service) => {
    const project = shop({ web: { ...on("default"), ...service }, proxy: on("default") });
    expect(planHandOver(project, "web", nobody)).toEqual({ networks: [], cuts: [], discoveredBy: name });
  });

  it("knows all names of a service", () => {
    const project = shop({ web: { networks: { a: { aliases: ["www"] }, b: null } } });
    expect(serviceAliases(project, "web", "a")).toEqual(["web", "www"]);
    expect(serviceAliases(project, "web", "b")).toEqual(["web"]);
  });
});
