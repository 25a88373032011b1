import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../rig/run.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";
import { RegistryUpload } from "./registry-upload.ts";

/** What tells Trivy that a layer is one of its databases, and how the file in it is called. */
const KINDS = {
  vulnerabilities: ["application/vnd.aquasec.trivy.db.layer.v1.tar+gzip", "db.tar.gz", "trivy.db"],
  java: ["application/vnd.aquasec.trivy.javadb.layer.v1.tar+gzip", "javadb.tar.gz", "trivy-java.db"],
} as const;

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/**
 * Pushes a database folder as the OCI artefact that `--db-repository` and `--java-db-repository` name: a config that is
 * empty, and one layer. `url` is the registry's, without a login.
 */
export async function pushTrivyDatabase(
  folder: string,
  at: { url: string; repository: string; tag: string; kind?: keyof typeof KINDS },
): Promise<void> {
  const [mediaType, title, file] = KINDS[at.kind ?? "vulnerabilities"];
  await using packing = await temporaryFolder("belay-trivy-database");
  const archive = join(packing.path, title);
  await run("tar", ["-C", folder, "-czf", archive, file, "metadata.json"], { doing: "packing a database for Trivy" });
  const registry = new RegistryUpload(at.url, at.repository);
  const layer = await readFile(archive);
  const config = Buffer.from("{}");
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: {
      mediaType: "application/vnd.aquasec.trivy.config.v1+json",
      digest: await registry.blob(config),
      size: config.length,
    },
    layers: [
      {
        mediaType,
        digest: await registry.blob(layer),
        size: layer.length,
        annotations: { "org.opencontainers.image.title": title },
      },
    ],
  };
  await registry.manifest(at.tag, MANIFEST, Buffer.from(JSON.stringify(manifest)));
}
