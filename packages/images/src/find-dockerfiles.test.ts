import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildSettings } from "@belay/config";
import { createRelease, createRunner, Redactor } from "@belay/core";
import { createRepository, type ThrowawayRepository, temporaryFolder } from "@belay/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { dockerfileAt, findDockerfiles } from "./find-dockerfiles.ts";
import { imageInputs } from "./image-inputs.ts";

const runner = createRunner(new Redactor());
let repository: ThrowawayRepository;
let revision: string;

beforeEach(async () => {
  repository = await createRepository({ slug: "acme/shop" });
  revision = await repository.commit("Build", {
    "shops/web/Dockerfile": "FROM scratch\n",
    "shops/api/build/production": "FROM debian\n",
    Dockerfile: "FROM other\n",
  });
  return () => repository.remove();
});

/** A release of services that were built so, of a commit. */
async function releaseOf(builds: Readonly<Record<string, Partial<BuildSettings>>>, commit = revision) {
  const directory = join(repository.folder, "shops");
  const services = Object.fromEntries(
    Object.entries(builds).map(([name, build]) => {
      return [name, { names: {}, build: { context: join(directory, name), args: {}, platforms: [], ...build } }];
    }),
  );
  const application = { application: "shop", services, directory };
  const inputs = await imageInputs({ application, revision: commit, runner, redactor: new Redactor() });
  return createRelease({
    stage: "build",
    application: "shop",
    source: { repository: "", revision: commit },
    services: {},
    evidence: { build: { inputs } },
    createdAt: "2026-01-01T00:00:00Z",
  });
}

async function find(release: Awaited<ReturnType<typeof releaseOf>>, directory = join(repository.folder, "shops")) {
  const services = ["web", "api", "cache"];
  return Object.fromEntries(await findDockerfiles({ release, services, directory, runner, env: {} }));
}

describe("the Dockerfiles of a release", () => {
  it("are those that its images were built from, whatever they are called, and none of images of others", async () => {
    const api = { dockerfile: join(repository.folder, "shops/api/build/production") };
    const release = await releaseOf({ web: {}, api, cache: { from: "redis:7" } });
    expect(await find(release)).toEqual({
      web: { path: "shops/web/Dockerfile", text: "FROM scratch\n" },
      api: { path: "shops/api/build/production", text: "FROM debian\n" },
    });
    expect(await find({ ...release, evidence: {} })).toEqual({});
  });

  it("are not those of another commit, nor of no checkout at all", async () => {
    const release = await releaseOf({ web: {} });
    await repository.commit("Go on", { "shops/web/Dockerfile": "FROM new\n" });
    expect(await find(release)).toEqual({
      web: { missing: expect.stringMatching(/^commit \w{12} is checked out, and/) },
    });
    await using none = await temporaryFolder("belay-no-checkout");
    expect(await find(release, none.path)).toEqual({
      web: { missing: expect.stringContaining("there is no checkout") },
    });
  });

  it("are no links, no folders and no pipes, and lie in the repository", async () => {
    const file = join(repository.folder, "shops/web/Dockerfile");
    const release = await releaseOf({ web: {} });
    await rm(file);
    expect(await find(release)).toEqual({ web: { missing: expect.stringContaining("ENOENT") } });
    await symlink("/etc/passwd", file);
    expect(await find(release)).toEqual({ web: { missing: "shops/web/Dockerfile is a link now" } });
    await rm(file);
    await mkdir(file);
    expect(await find(release)).toEqual({ web: { missing: expect.stringContaining("is no file") } });
    await rm(join(repository.folder, "shops/web"), { recursive: true });
    await using other = await temporaryFolder("belay-other-place");
    await writeFile(join(other.path, "Dockerfile"), "FROM elsewhere\n");
    await symlink(other.path, join(repository.folder, "shops/web"));
    expect(await find(release)).toEqual({
      web: { missing: expect.stringContaining("is a link, which is not followed") },
    });
    const outside = await releaseOf({ web: {} });
    expect(await find(outside)).toEqual({ web: { missing: expect.stringContaining("no file that git has") } });
  });

  it("are there as they were at an earlier commit, if git has it", async () => {
    await repository.commit("Go on", { "shops/web/Dockerfile": "FROM new\n" });
    const at = (commit: string, path: string) => dockerfileAt(runner, join(repository.folder, "shops"), commit, path);
    expect(await at(revision, "shops/web/Dockerfile")).toBe("FROM scratch\n");
    expect(await at(revision, "web/Dockerfile")).toBe(undefined);
    expect(await at("0".repeat(40), "shops/web/Dockerfile")).toBe(undefined);
    expect(await at("--batch", "shops/web/Dockerfile")).toBe(undefined);
    expect(await at("HEAD", "shops/web/Dockerfile")).toBe(undefined);
  });
});
