import { describe, expect, it } from "vitest";
import { madeBy } from "../testing/containers.ts";
import type { ComposeProject, ComposeService } from "./compose-project.ts";
import { addLabels, belayLabels, keepResources, pinImages } from "./pinned-project.ts";
import { hashOf, revisionHash, revisionOf } from "./revision.ts";

const web: ComposeService = { image: "shop@sha256:aa", environment: { A: "1" }, secrets: [{ source: "token" }] };
const project = (service: ComposeService): ComposeProject => ({
  name: "shop",
  services: { web: service, proxy: { image: "haproxy" } },
  secrets: { token: { environment: "TOKEN" } },
});
const hash = (service: ComposeService, token = "a"): string => revisionHash(project(service), "web", { TOKEN: token });

describe("the revision of a service", () => {
  it("changes with what a container is made of", () => {
    const changes = [{ image: "shop@sha256:bb" }, { environment: { A: "2" } }, { mem_limit: "1" }, { command: ["x"] }];
    const hashes = changes.map((change) => hash({ ...web, ...change }));
    expect(new Set([hash(web), ...hashes, hash(web, "another token")]).size).toBe(6);
    expect(hash(web)).toMatch(/^[0-9a-f]{12}$/);
  });

  it("does not change with how many, when, and from where", () => {
    const same = {
      scale: 5,
      deploy: { replicas: 5 },
      depends_on: {},
      profiles: ["x"],
      build: {},
      pull_policy: "always",
    };
    expect(hash({ ...web, ...same })).toBe(hash({ ...web, deploy: {} }));
  });

  it("comes from Belay's label only where Belay made the container", () => {
    expect(revisionOf({ "com.docker.compose.config-hash": "0123456789abcdef" })).toBe("0123456789ab.0");
    expect(revisionOf({ ...madeBy("s", 7, "3fa9c1d2e4b5") })).toBe("3fa9c1d2e4b5.7");
    expect(revisionOf({ "dev.belay.revision": "x.9" })).toBe("unknown.0");
    expect(hashOf("3fa9c1d2e4b5.7")).toBe("3fa9c1d2e4b5");
  });
});

describe("the project that goes back to compose", () => {
  it("has the release's images, without builds, and all else as it was", () => {
    const before = project({ ...web, build: { context: "." } });
    const pinned = pinImages(before, { web: "shop@sha256:cc" });
    expect(pinned.services.web).toEqual({ ...web, image: "shop@sha256:cc" });
    expect(pinned.services.proxy).toBe(before.services.proxy);
  });

  it("adds labels to those of the files", () => {
    const scope = { target: "compose", project: "shop", application: "shop", environment: "test" } as const;
    const labels = belayLabels(scope, "web", "3fa9c1d2e4b5", { deployment: 7, release: "sha256:bb" });
    const { services } = addLabels(project({ ...web, labels: { a: "b" } }), { web: labels });
    expect(services.web?.labels).toMatchObject({ a: "b", "dev.belay.revision": "3fa9c1d2e4b5.7" });
    expect(services.proxy?.labels).toBeUndefined();
  });

  it("never lets compose replace a network or volume that is there", () => {
    const networks = {
      default: { name: "shop_default", ipam: {} },
      added: null,
      own: { name: "edge", external: true },
    };
    const kept = keepResources(
      { ...project(web), networks, volumes: { data: null } },
      { networks: new Set(["shop_default", "edge"]), volumes: new Set(["shop_data"]) },
    );
    expect(kept.networks).toEqual({
      default: { name: "shop_default", external: true },
      added: null,
      own: { name: "edge", external: true },
    });
    expect(kept.volumes).toEqual({ data: { name: "shop_data", external: true } });
  });
});
