import { describe, expect, test } from "vitest";
import type { StackDocument, StackService } from "./stack-document.ts";
import { translateService } from "./translate-service.ts";

const EMPTY = { networks: {}, volumes: {}, configs: {}, secrets: {} };

function translate(service: StackService, more: Partial<StackDocument> = {}) {
  const document = { ...EMPTY, ...more, services: { web: service } };
  const nothing = { configs: [], secrets: [], platforms: [] };
  return translateService({ document, stack: "shop", key: "web", image: "r/web@sha256:0", ...nothing });
}

describe("what the real engine's comparison can't show", () => {
  test("platforms constrain where tasks go, but not the variant of arm", () => {
    const platforms = [
      { os: "linux", architecture: "amd64" },
      { os: "linux", architecture: "arm" },
    ];
    const parts = { configs: [], secrets: [], platforms };
    const spec = translateService({
      document: { ...EMPTY, services: { web: {} } },
      ...{ stack: "shop", key: "web", image: "r/web@sha256:0" },
      ...parts,
    });
    expect(spec.TaskTemplate.Placement).toEqual({
      Platforms: [{ Architecture: "amd64", OS: "linux" }, { OS: "linux" }],
    });
  });

  test("volumes of a cluster, images as mounts, and pipes", () => {
    const volumes = [
      { type: "cluster", source: "disk", target: "/a" },
      { type: "cluster", source: "group:fast", target: "/b" },
      { type: "image", source: "r/data:1", target: "/c", image: { subpath: "x" } },
      { type: "npipe", source: "\\\\.\\pipe\\x", target: "\\\\.\\pipe\\x" },
      { type: "volume", source: "named", target: "/d", volume: { subpath: "s" } },
    ];
    const spec = translate({ volumes }, { volumes: { disk: {}, named: null } });
    expect(spec.TaskTemplate.ContainerSpec?.Mounts).toEqual([
      { Type: "cluster", Source: "shop_disk", Target: "/a", ClusterOptions: {} },
      { Type: "cluster", Source: "group:fast", Target: "/b", ClusterOptions: {} },
      { Type: "image", Source: "r/data:1", Target: "/c", ImageOptions: { Subpath: "x" } },
      { Type: "npipe", Source: "\\\\.\\pipe\\x", Target: "\\\\.\\pipe\\x" },
      {
        Type: "volume",
        Source: "shop_named",
        Target: "/d",
        VolumeOptions: { Subpath: "s", Labels: { "com.docker.stack.namespace": "shop" } },
      },
    ]);
  });

  test("a credential spec in a config goes by the config's name until its id is known", () => {
    const config = { Runtime: {}, ConfigID: "", ConfigName: "shop_spec_0123456789ab" };
    const document = { ...EMPTY, services: { web: { credential_spec: { config: "spec" } } } };
    const parts = { configs: [config], secrets: [], platforms: [] };
    const { TaskTemplate } = translateService({ document, stack: "shop", key: "web", image: "i", ...parts });
    expect(TaskTemplate.ContainerSpec?.Privileges).toEqual({ CredentialSpec: { Config: "shop_spec_0123456789ab" } });
  });
});

test.for([
  [{ volumes: [{ type: "volume", source: "gone", target: "/x" }] }, "define no volume gone"],
  [{ volumes: [{ type: "tmpfs", source: "x", target: "/x" }] }, "has no source"],
  [{ volumes: [{ type: "bind", target: "/x" }] }, "needs a source"],
  [{ volumes: [{ type: "bind", source: "/a", target: "/x", tmpfs: {} }] }, "tmpfs options don't go with"],
  [{ volumes: [{ type: "odd", source: "/a", target: "/x" }] }, "the type odd is not known"],
  [{ deploy: { mode: "sometimes" } }, "there is no mode sometimes"],
  [{ deploy: { resources: { limits: { cpus: "many" } } } }, "is no number of processors"],
  [{ restart: "perhaps" }, "is not known"],
  [{ healthcheck: { disable: true, test: ["CMD", "x"] } }, "has a test and is disabled"],
  [{ credential_spec: { file: "a", registry: "b" } }, "more than one source"],
] as const)("refuses what docker stack deploy refuses: %j", ([service, words]) => {
  expect(() => translate(service)).toThrow(words);
});
