import { sha256 } from "@belay/core";
import { expect, it } from "vitest";
import { nameReport } from "./name-report.ts";

const ID = sha256("config");
const manifest = sha256("manifest");

function report(name: string, more: object = {}): string {
  const targets = [`${name} (debian 12.5)`, name, "Node.js", `app/${name}`, `${name}.lock`, "app/settings.py"];
  const Results = targets.map((Target) => ({ Target, Packages: [{ Name: name }] }));
  return JSON.stringify({ SchemaVersion: 2, ArtifactName: name, Metadata: { ImageID: ID }, Results, ...more });
}

it.each([
  ["layout", "ghcr.io"],
  [ID, "ghcr.io"],
  ["shop:ci", "127.0.0.1:5000"],
  [`127.0.0.1:5000/acme/web@${ID}`, "127.0.0.1:5000"],
])("calls the image that was scanned as %s by its own name in %s", (name, registry) => {
  const repository = `${registry}/acme/web`;
  const named = JSON.parse(nameReport(report(name), { repository, manifest }));
  expect(named).toMatchObject({
    SchemaVersion: 2,
    ArtifactName: repository,
    Metadata: { ImageID: ID, RepoDigests: [`${repository}@${manifest}`] },
  });
  const others = ["Node.js", `app/${name}`, `${name}.lock`, "app/settings.py"];
  const targets = [`${repository} (debian 12.5)`, "acme/web", ...others];
  expect(named.Results).toEqual(targets.map((Target) => ({ Target, Packages: [{ Name: name }] })));
});

it("tells no digest that nobody knows, and keeps the one that Trivy knows", () => {
  const read = (text: string) => JSON.parse(text).Metadata.RepoDigests;
  expect(read(nameReport(report("layout"), { repository: "ghcr.io/acme/web" }))).toEqual([]);
  const Metadata = { RepoDigests: [`ghcr.io/acme/web@${ID}`] };
  expect(read(nameReport(report("x", { Metadata }), { repository: "ghcr.io/acme/web", manifest }))).toEqual([
    `ghcr.io/acme/web@${ID}`,
  ]);
});

it.each([
  ["ghcr.io/acme/web", [`ghcr.io/acme/worker@${ID}`], [`ghcr.io/acme/web@${manifest}`]],
  ["ghcr.io/acme/web", [`ghcr.io/acme/worker@${ID}`, `ghcr.io/acme/web@${ID}`], [`ghcr.io/acme/web@${ID}`]],
  ["docker.io/library/redis", [`redis@${ID}`], [`redis@${ID}`]],
  ["docker.io/library/redis", [`index.docker.io/library/redis@${ID}`], [`index.docker.io/library/redis@${ID}`]],
])("tells of %s no digest of another repository (%j)", (repository, RepoDigests, told) => {
  const named = JSON.parse(nameReport(report("x", { Metadata: { RepoDigests } }), { repository, manifest }));
  expect(named.Metadata.RepoDigests).toEqual(told);
});

it("keeps a report without results one", () => {
  const named = JSON.parse(nameReport(report("layout", { Results: null }), { repository: "ghcr.io/acme/web" }));
  expect(named).toMatchObject({ ArtifactName: "ghcr.io/acme/web" });
  expect(named.Results ?? null).toBeNull();
});
