import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createRelease, type Release, type ScanEvidence, sha256 } from "@belay/core";
import type { RegistryClient } from "@belay/registry";
import { temporaryFolder } from "@belay/testkit";
import { expect, it } from "vitest";
import { createContext } from "../testing/create-context.ts";
import { attachScan } from "./attach-scan.ts";

const JSON_REPORT = "{}";
const digest = sha256("image");

/** Scanned, with {@link JSON_REPORT} as the report of its only platform. */
function scanned(): Release {
  const platforms = { "linux/amd64": { config: digest, manifest: digest, report: sha256(JSON_REPORT) } };
  const counts = { fails: 0, known: 0, reported: 0, ignored: 0 };
  const services = { web: { result: "passed", counts, platforms } } as const;
  const scan: ScanEvidence = { result: "passed", scannedAt: "2026-01-01T00:00:00Z", services };
  const web = { repository: "registry.example/web", digest, tags: ["sha-0123456789ab"], platforms };
  return createRelease({
    ...{ stage: "push", application: "shop", createdAt: "2026-01-01T00:00:00Z", evidence: { scan } },
    source: { repository: "https://github.com/acme/shop", revision: "0".repeat(40) },
    services: { web },
  });
}

/** Takes everything. `put`: the texts that it got, by repository. */
function takingRegistry() {
  const put: [string, string][] = [];
  const manifest = { digest, mediaType: "application/vnd.oci.image.manifest.v1+json", bytes: Buffer.from("{}") };
  const taking = {
    manifest: async () => manifest,
    putBlob: async (repository: string, bytes: Uint8Array) => {
      if (bytes.length > 2) put.push([repository, Buffer.from(bytes).toString("utf8")]);
      return sha256(bytes);
    },
    putManifest: async () => ({ subject: true }),
  };
  return { put, registry: taking as unknown as RegistryClient };
}

it("puts beside each of several services with one image what calls it by its own name", async () => {
  await using folder = await temporaryFolder("belay-attach");
  const context = createContext(folder.path, { RUNNER_TEMP: folder.path });
  const names = ["api", "web", "web-api"];
  for (const name of names) {
    const files = { [`json/${name}-linux-amd64.json`]: JSON_REPORT, [`cyclonedx/${name}-linux-amd64.cdx.json`]: name };
    for (const [file, text] of Object.entries(files)) {
      const at = join(folder.path, "belay/scan", file);
      await mkdir(dirname(at), { recursive: true });
      await writeFile(at, text);
    }
  }
  const one = scanned();
  const all = <T>(of: (name: string) => T) => Object.fromEntries(names.map((name) => [name, of(name)]));
  const web = one.evidence.scan?.services.web;
  const release = {
    ...one,
    evidence: { scan: { ...one.evidence.scan, services: all(() => web) } },
    services: all((name) => ({ ...one.services.web, repository: `registry.example/${name}` })),
  } as unknown as Release;
  const { registry, put } = takingRegistry();
  await attachScan(context, { registry, release, kinds: ["sbom"] });
  expect(put.sort()).toEqual(names.map((name) => [`registry.example/${name}`, name]));
});

/** Nothing may be asked of it. */
const registry = new Proxy({} as RegistryClient, {
  get: (_target, name) => {
    throw new Error(`the registry was asked: ${String(name)}`);
  },
});

it.each([
  ["json/web-linux-amd64.json", JSON_REPORT],
  ["cyclonedx/web-linux-amd64.cdx.json", "the words of another file"],
])("does not put beside an image what a link leads to: %s", async (link, text) => {
  await using folder = await temporaryFolder("belay-attach");
  const context = createContext(folder.path, { RUNNER_TEMP: folder.path });
  const elsewhere = join(folder.path, "elsewhere");
  await writeFile(elsewhere, text);
  const at = (name: string): string => join(folder.path, "belay/scan", name);
  for (const name of ["json/web-linux-amd64.json", link]) await mkdir(dirname(at(name)), { recursive: true });
  if (!link.startsWith("json/")) await writeFile(at("json/web-linux-amd64.json"), JSON_REPORT);
  await symlink(elsewhere, at(link));
  const attached = attachScan(context, { registry, release: scanned(), kinds: ["sbom"] });
  await expect(attached).rejects.toMatchObject({ code: "PUSH_FAILED", got: expect.stringContaining("is a link") });
});

it.each(["json", "cyclonedx", "."])(
  "does not put beside an image what is in a folder that is a link: %s",
  async (link) => {
    await using folder = await temporaryFolder("belay-attach");
    const context = createContext(folder.path, { RUNNER_TEMP: folder.path });
    const scan = join(folder.path, "belay/scan");
    const files = { "json/web-linux-amd64.json": JSON_REPORT, "cyclonedx/web-linux-amd64.cdx.json": "{}" };
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(scan, name)), { recursive: true });
      await writeFile(join(scan, name), text);
    }
    await rename(join(scan, link), join(folder.path, "elsewhere"));
    await symlink(join(folder.path, "elsewhere"), join(scan, link));
    const attached = attachScan(context, { registry, release: scanned(), kinds: ["sbom"] });
    await expect(attached).rejects.toMatchObject({ code: "PUSH_FAILED", got: expect.stringContaining("is a link") });
  },
);
