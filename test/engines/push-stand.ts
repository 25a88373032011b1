import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  createRelease,
  createRunner,
  type Digest,
  type ImageIdentity,
  Redactor,
  type Release,
  systemClock,
} from "@belay/core";
import {
  createAuthenticator,
  createRegistryClient,
  insecureRegistries,
  type PushReleaseOptions,
  pushRelease,
  type RegistryClient,
  type RegistryClientOptions,
} from "@belay/registry";
import {
  createTestLog,
  type ImageFiles,
  type ImageLayout,
  makeImageLayout,
  type TemporaryFolder,
  type TestLog,
  temporaryFolder,
} from "@belay/testkit";

export const SHA_TAG = "sha-0123456789ab";

/** Images on disk, and what a run needs to push them. */
export interface PushStand extends AsyncDisposable {
  readonly folder: string;
  readonly log: TestLog;
  /** Makes the image of a service: two platforms, attestations, a layer in common, and a large one of these bytes. */
  layout(service: string, largeBytes?: number): Promise<ImageLayout>;
  client(more?: Partial<RegistryClientOptions> & { readonly env?: Readonly<Record<string, string>> }): RegistryClient;
  /** A release of these images below a registry's address. */
  release(address: string, layouts: Readonly<Record<string, ImageLayout>>, tag?: string): Release;
  push(release: Release, registry: RegistryClient, more?: Partial<PushReleaseOptions>): Promise<Release>;
}

export async function openPushStand(): Promise<PushStand> {
  const folder: TemporaryFolder = await temporaryFolder("belay-push-test");
  const redactor = new Redactor();
  const log = createTestLog(redactor);
  const clients: RegistryClient[] = [];
  const authFor = (env: Readonly<Record<string, string>> = {}) =>
    createAuthenticator({ env: { DOCKER_CONFIG: folder.path, ...env }, runner: createRunner(redactor), redactor });
  return {
    folder: folder.path,
    log,
    layout: (service, largeBytes = 0) => layout(join(folder.path, "images", service), service, largeBytes),
    client: ({ env, ...more } = {}) => {
      const auth = authFor(env);
      const made = createRegistryClient({
        auth,
        redactor,
        log,
        clock: systemClock,
        insecure: insecureRegistries(),
        ...more,
      });
      clients.push(made);
      return made;
    },
    release,
    push: (pushed, registry, more) =>
      pushRelease({
        release: pushed,
        docker: () => Promise.reject(new Error("the engine is not needed")),
        layoutOf: async (service) => join(folder.path, "images", service),
        registry,
        auth: authFor(),
        log,
        clock: systemClock,
        ...more,
      }),
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.close();
      await folder.remove();
    },
  };
}

function layout(path: string, service: string, largeBytes: number): Promise<ImageLayout> {
  const files = (platform: string): ImageFiles[] => [
    { "usr/share/common": "the same in every image" },
    { "app/name": `${service} for ${platform}`, "app/large": randomBytes(largeBytes) },
  ];
  const platforms = { "linux/amd64": files("linux/amd64"), "linux/arm64": files("linux/arm64") };
  return makeImageLayout(path, platforms, { attest: true });
}

function release(address: string, layouts: Readonly<Record<string, ImageLayout>>, tag = SHA_TAG): Release {
  const services = Object.entries(layouts).map(([name, made]): [string, ImageIdentity] => [
    name,
    {
      repository: `${address}/acme/${name}`,
      platforms: made.platforms as ImageIdentity["platforms"],
      index: made.digest as Digest,
      tags: [tag, "main"],
    },
  ]);
  return createRelease({
    stage: "build",
    application: "shop",
    source: { repository: "", revision: "0123456789ab".padEnd(40, "0") },
    services: Object.fromEntries(services),
    evidence: {},
    createdAt: "2026-01-01T00:00:00Z",
  });
}

/** sha256 of what a registry serves, without anything of ours in between. */
export async function servedDigest(url: string): Promise<string> {
  // Without it distribution gives no manifest of that kind.
  const oci = ["manifest", "index"].map((kind) => `application/vnd.oci.image.${kind}.v1+json`);
  const accept = [...oci, "application/vnd.docker.distribution.manifest.v2+json"].join(", ");
  const answer = await fetch(url, { headers: { accept } });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return `sha256:${createHash("sha256")
    .update(new Uint8Array(await answer.arrayBuffer()))
    .digest("hex")}`;
}
