import type { Digest, ImageIdentity } from "@belay/core";
import { type AttachedEngine, BASE_IMAGES } from "@belay/testkit";
import type { ImageCatalogue } from "../contract/images.ts";
import { PORT, type VariantName } from "../contract/variants.ts";

/** How long the application serves on after SIGTERM: many times what a proxy needs to forget it, for a busy machine. */
export const FAREWELL_S = 8;

/**
 * The contract suite's images, but those that go well serve gracefully: they say their version, serve on for a while when they
 * are told to end, and cost next to nothing per request, so that what is lost is lost for the release and not for the machine
 * (haproxy answers by itself). The engine needs the base images.
 */
export function gracefulImages(engine: Pick<AttachedEngine, "docker">, images: ImageCatalogue): ImageCatalogue {
  const made = new Map<VariantName, Promise<ImageIdentity>>();
  return {
    ...images,
    identity: (name) => {
      if (!name.startsWith("good")) return images.identity(name);
      const known = made.get(name) ?? pushGraceful(engine, images, name);
      made.set(name, known);
      return known;
    },
  };
}

async function pushGraceful(
  engine: Pick<AttachedEngine, "docker">,
  images: ImageCatalogue,
  version: string,
): Promise<ImageIdentity> {
  const probe = JSON.stringify(["wget", "-q", "-O-", `http://127.0.0.1:${PORT}/`]);
  const changes = [
    `CMD ${JSON.stringify(["/bin/sh", "-c", scriptOf(version)])}`,
    `HEALTHCHECK --interval=1s --timeout=15s --retries=5 --start-period=30s CMD ${probe}`,
  ];
  const { repository: there } = await images.identity("crash");
  const repository = there.replace(/contract$/, "web");
  const reference = `${repository}:${version}`;
  const container = (await engine.docker(["create", BASE_IMAGES.haproxy])).stdout.trim();
  await engine.docker(["commit", ...changes.flatMap((one) => ["--change", one]), container, reference]);
  await engine.docker(["rm", container]);
  await engine.docker(["push", "--quiet", reference]);
  const inspected = await engine.docker(["image", "inspect", reference]);
  const [{ RepoDigests, Id }] = JSON.parse(inspected.stdout) as [{ RepoDigests: string[]; Id: Digest }];
  const digest = RepoDigests.find((one) => one.startsWith(repository))?.split("@")[1] as Digest;
  return { repository, digest, tags: [version], platforms: { "linux/amd64": { config: Id, manifest: digest } } };
}

function scriptOf(version: string): string {
  const config = [
    "defaults",
    "  mode http",
    "  timeout connect 5s",
    "  timeout client 60s",
    "  timeout server 60s",
    "frontend web",
    `  bind :${PORT}`,
    `  http-request return status 200 content-type text/plain string ${version}`,
    "",
  ];
  return [
    `printf '${config.join("\\n")}' > /web.cfg`,
    // The base image ends by SIGUSR1, and `docker commit` can't change that.
    `trap 'sleep ${FAREWELL_S}; exit 0' TERM USR1`,
    "haproxy -db -f /web.cfg &",
    "wait $!",
    // A signal ends the wait, and then its trap has run.
    "exit 1",
  ].join("\n");
}
