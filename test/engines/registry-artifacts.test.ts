import { type Digest, systemClock } from "@belay/core";
import {
  type Artifact,
  attachArtifact,
  attachRelease,
  findArtifacts,
  findRelease,
  readArtifact,
} from "@belay/registry";
import { startReferrersRegistry, startRegistry } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPushStand, type PushStand } from "./push-stand.ts";

const SBOM = "application/vnd.cyclonedx+json";
const SCAN = "application/vnd.belay.scan.v1+json";
let stand: PushStand;
let rig: Awaited<ReturnType<typeof startRegistry>> | Awaited<ReturnType<typeof startReferrersRegistry>>;

const REGISTRIES = [
  ["without the referrers API (distribution 2.8)", () => startRegistry()],
  ["with the referrers API (go-containerregistry)", () => startReferrersRegistry()],
] as const;

describe.each(REGISTRIES)("a real registry %s", (kind, start) => {
  const hasApi = kind.startsWith("with the");

  beforeEach(async () => {
    stand = await openPushStand();
    rig = await start();
  });
  afterEach(async () => {
    await rig?.stop();
    await stand?.[Symbol.asyncDispose]();
  });

  /** A pushed image, and how artifacts are put beside it: by one client, or by a run of its own each time. */
  async function pushed() {
    const web = await stand.layout("web");
    const client = stand.client();
    const release = await stand.push(stand.release(rig.address, { web }), client);
    const repository = `${rig.address}/acme/web`;
    const attach = (artifact: Artifact, registry = client) =>
      attachArtifact({
        registry,
        repository,
        subject: web.digest as Digest,
        artifact,
        clock: systemClock,
        log: stand.log,
      });
    const find = (type?: string) => findArtifacts(stand.client(), repository, web.digest as Digest, type);
    return { client, release, repository, attach, find, subject: web.digest };
  }

  it("lists what is beside an image by its kind, and gives it back", async () => {
    const { client, release, repository, attach, find, subject } = await pushed();
    const annotations = { "org.opencontainers.image.created": "2026-01-01T00:00:00Z" };
    const sbom = await attach({ artifactType: SBOM, bytes: Buffer.from('{"bomFormat":"CycloneDX"}'), annotations });
    const scan = await attach({ artifactType: SCAN, mediaType: "application/json", bytes: Buffer.from("{}") });
    await attachRelease({ release, registry: client, clock: systemClock, log: stand.log });
    expect([sbom.listed, scan.listed]).toEqual([true, true]);
    expect(await find()).toHaveLength(3);
    expect(await find(SBOM)).toMatchObject([{ digest: sbom.digest, artifactType: SBOM }]);
    expect((await readArtifact(client, repository, sbom.digest))?.toString()).toBe('{"bomFormat":"CycloneDX"}');
    expect((await findRelease(client, `${repository}:main`, stand.log))?.release).toEqual(release);
    const linked = await client.referrers(repository, subject as Digest);
    expect(linked?.length).toBe(hasApi ? 3 : undefined);
  });

  it("keeps the entries of many writers of one run, and of a run beside it", async () => {
    const { attach, find } = await pushed();
    const artifact = (text: string): Artifact => ({ artifactType: SBOM, bytes: Buffer.from(text) });
    const one = Promise.all(["a", "b", "c", "d"].map((text) => attach(artifact(text))));
    const attached = await one;
    const other = await attach(artifact("e"), stand.client());
    expect([...attached, other].every(({ listed }) => listed)).toBe(true);
    const found = (await find(SBOM)).map(({ digest }) => digest).sort();
    expect(found).toEqual([...attached, other].map(({ digest }) => digest).sort());
  });
});
