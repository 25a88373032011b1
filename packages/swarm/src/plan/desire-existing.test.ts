import { createRelease, type Release } from "@belay/core";
import { describe, expect, it } from "vitest";
import { IMAGE, OTHER_IMAGE, service, spec } from "../testing/tasks.ts";
import { desireExisting, isSameImage, withImage } from "./desire-existing.ts";

const DIGEST = `sha256:${"b".repeat(64)}` as const;

function release(digest?: typeof DIGEST): Release {
  const platforms = { "linux/amd64": {} };
  const image = { repository: "registry.test/shop", platforms, tags: ["abc"], ...(digest && { digest }) };
  const source = { repository: "https://github.com/acme/shop", revision: "0".repeat(40) };
  const createdAt = "2026-01-02T03:04:05Z";
  return createRelease({
    stage: "push",
    application: "shop",
    source,
    services: { web: image },
    evidence: {},
    createdAt,
  });
}

const nameOf = (name: string): string => `shop_${name}`;

describe("an existing service", () => {
  it("gets another image, and nothing else of its spec changes", () => {
    const [desired] = desireExisting(release(DIGEST), nameOf, [service()]).images;
    const live = spec({ Labels: { tier: "front" }, Mode: { Replicated: { Replicas: 9 } } });
    expect(desired?.draft(live)).toEqual({
      ...live,
      TaskTemplate: { ...live.TaskTemplate, ContainerSpec: { ...live.TaskTemplate.ContainerSpec, Image: OTHER_IMAGE } },
    });
  });

  it("keeps its image as it is written when it is the same one", () => {
    const tagged = IMAGE.replace("shop@", "shop:v1@");
    const live = spec();
    const TaskTemplate = { ...live.TaskTemplate, ContainerSpec: { Image: tagged } };
    expect(withImage({ ...live, TaskTemplate }, IMAGE, [])).toEqual({ ...live, TaskTemplate });
    expect(isSameImage("redis:7@sha256:00", "docker.io/library/redis@sha256:00")).toBe(true);
    expect(isSameImage("redis:7", "redis:7")).toBe(false);
    expect(isSameImage("127.0.0.1:5000/a@sha256:00", "127.0.0.1:6000/a@sha256:00")).toBe(false);
  });

  it("gets the platforms of the new image where it had those of the old one", () => {
    const live = spec();
    const placed = (Platforms: object[]) => ({
      ...live,
      TaskTemplate: { ...live.TaskTemplate, Placement: { Platforms } },
    });
    const before = placed([{ Architecture: "amd64", OS: "linux" }]);
    const after = withImage(before, OTHER_IMAGE, ["linux/arm64/v8", "linux/arm/v7"]);
    expect(after.TaskTemplate.Placement?.Platforms).toEqual([{ Architecture: "arm64", OS: "linux" }, { OS: "linux" }]);
    expect(withImage(before, OTHER_IMAGE, []).TaskTemplate.Placement).toEqual(before.TaskTemplate.Placement);
    expect(withImage(live, OTHER_IMAGE, ["linux/arm64"]).TaskTemplate.Placement).toEqual({});
  });

  it("that is not there is refused with the names of those that are", () => {
    expect(desireExisting(release(DIGEST), (name) => name, [service()])).toEqual({
      images: [],
      findings: [
        {
          level: "refuse",
          check: "workload_missing",
          service: "web",
          message: "the swarm has no service web, only shop_web",
          remedy: expect.stringContaining("services.web.names.swarm"),
        },
      ],
    });
    expect(desireExisting(release(DIGEST), nameOf, []).findings[0]?.message).toBe("the swarm has no service shop_web");
  });

  it("must get an image that was pushed", () => {
    expect(() => desireExisting(release(), nameOf, [service()])).toThrow(/no digest/);
  });
});
