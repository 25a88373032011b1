import { type Digest, oneLine, sha256 } from "@belay/core";
import type { LayoutDescriptor } from "@belay/core/oci-layout";
import { z } from "zod";
import { DESCRIPTOR, isIndex } from "./documents.ts";
import { type ImageFiles, readDocument } from "./image-files.ts";
import { type Blob, type LayoutWriter, wrongSize } from "./layout-writer.ts";

const INDEX = z.object({ manifests: z.array(DESCRIPTOR) });
const MANIFEST = z.object({ config: DESCRIPTOR, layers: z.array(DESCRIPTOR) });

/** As core's `readLayout`. */
const DEEPEST = 3;
/** Bytes of all manifests, which are kept in memory. */
const MOST_KEPT = 64 * 1024 * 1024;

/**
 * Takes the image of an OCI image layout as it is: every digest stays. An engine saves an image of several platforms with the
 * index of all and the content of those that it has; when that is one, it is the image.
 * @returns what the image is; and why it is not all of what the layout's index names
 * @throws Error when there are several images, or a part is missing or has other content
 */
export async function copyOci(
  files: ImageFiles,
  layout: LayoutWriter,
): Promise<{ readonly root: LayoutDescriptor; readonly note?: string }> {
  const { graph, root, chosen } = await chooseImage(files);
  await layout.reserve([...graph.blobs.values()].reduce((sum, { size }) => sum + size, 0));
  for (const blob of graph.blobs.values()) {
    const file = await files.find(nameOf(blob.digest));
    if (file !== undefined) await layout.copy(file, blob);
  }
  for (const bytes of graph.manifests.values()) await layout.put(bytes);
  const { digest, mediaType, size } = chosen;
  const note = `of the platforms of ${root.digest} only that of ${digest} is in it, and is taken`;
  return { root: { digest, mediaType, size }, ...(chosen === root ? {} : { note }) };
}

/**
 * Digests of the configs of what {@link copyOci} would take, of all its platforms.
 * @throws Error as {@link copyOci}
 */
export async function configsOfOci(files: ImageFiles): Promise<readonly Digest[]> {
  const { graph } = await chooseImage(files);
  return [...graph.configs];
}

async function chooseImage(files: ImageFiles) {
  const { manifests } = INDEX.parse(JSON.parse((await readDocument(files, "index.json")).toString("utf8")));
  const [root, ...others] = new Map(manifests.map((one) => [one.digest, one])).values();
  if (root === undefined) throw new Error("there is no image in it");
  if (others.length > 0) throw new Error(`it holds ${others.length + 1} images (${namesOf(manifests)})`);
  const graph = new Graph(files);
  return { graph, root, chosen: await graph.choose(root) };
}

/** Whether the only image of a layout has no layer that is compressed. What can't be read is not: copying it tells why. */
export async function isUncompressed(files: ImageFiles): Promise<boolean> {
  const read = async (name: string): Promise<unknown> => JSON.parse((await readDocument(files, name)).toString("utf8"));
  try {
    const { manifests } = INDEX.parse(await read("index.json"));
    const digests = new Set(manifests.map(({ digest }) => digest));
    const [only, ...others] = digests;
    if (only === undefined || others.length > 0 || manifests.some(isIndex)) return false;
    const { layers } = MANIFEST.parse(await read(nameOf(only)));
    return layers.length > 0 && layers.every(({ mediaType }) => mediaType.endsWith(".tar"));
  } catch {
    return false;
  }
}

/** BuildKit docs, "Image attestation storage". */
function isAttestation({ annotations }: LayoutDescriptor): boolean {
  return annotations?.["vnd.docker.reference.type"] !== undefined;
}

function namesOf(roots: readonly LayoutDescriptor[]): string {
  const names = roots.map(
    ({ annotations = {}, digest }) =>
      annotations["io.containerd.image.name"] ?? annotations["org.opencontainers.image.ref.name"] ?? digest,
  );
  return oneLine(names.slice(0, 5).join(", "), 300);
}

function nameOf(digest: Digest): string {
  return `blobs/${digest.replace(":", "/")}`;
}

/** All that an image names, looked up and not yet copied. */
class Graph {
  manifests = new Map<Digest, Buffer>();
  blobs = new Map<Digest, Blob>();
  /** Those of images; attestations have some, too. */
  configs = new Set<Digest>();
  readonly #files: ImageFiles;
  #kept = 0;

  constructor(files: ImageFiles) {
    this.#files = files;
  }

  async choose(root: LayoutDescriptor): Promise<LayoutDescriptor> {
    if (!isIndex(root)) {
      await this.#add(root, 0);
      return root;
    }
    const entries = await this.#entriesOf(root);
    const there: LayoutDescriptor[] = [];
    for (const entry of entries) if ((await this.#files.find(nameOf(entry.digest))) !== undefined) there.push(entry);
    const images = there.filter((entry) => !isAttestation(entry));
    const [only] = images;
    if (there.length < entries.length && only !== undefined && images.length === 1 && !isIndex(only)) {
      await this.#add(only, 0);
      return only;
    }
    await this.#add(root, DEEPEST);
    return root;
  }

  async #add(descriptor: LayoutDescriptor, depth: number): Promise<void> {
    if (this.manifests.has(descriptor.digest)) return;
    if (depth < 0) throw new Error("its indexes are nested too deep");
    const bytes = await this.#manifest(descriptor);
    this.#kept += bytes.length;
    if (this.#kept > MOST_KEPT) throw new Error(`its manifests have more than ${MOST_KEPT} bytes`);
    this.manifests.set(descriptor.digest, bytes);
    if (isIndex(descriptor)) {
      for (const entry of await this.#entriesOf(descriptor)) await this.#add(entry, depth - 1);
      return;
    }
    const { config, layers } = MANIFEST.parse(JSON.parse(bytes.toString("utf8")));
    if (!isAttestation(descriptor)) this.configs.add(config.digest);
    for (const blob of [config, ...layers]) await this.#addBlob(blob);
  }

  async #addBlob(blob: z.infer<typeof DESCRIPTOR>): Promise<void> {
    const found = await this.#files.find(nameOf(blob.digest));
    // Layers of Windows that only their maker may distribute are fetched from there.
    if (found === undefined && blob.urls !== undefined) return;
    if (found === undefined) throw new Error(`the blob ${blob.digest} is missing`);
    // Before room is asked for: a manifest may tell any size.
    if (found.size !== blob.size) throw wrongSize(found, blob);
    this.blobs.set(blob.digest, blob);
  }

  async #entriesOf(index: LayoutDescriptor): Promise<readonly LayoutDescriptor[]> {
    return INDEX.parse(JSON.parse((await this.#manifest(index)).toString("utf8"))).manifests;
  }

  async #manifest({ digest }: LayoutDescriptor): Promise<Buffer> {
    const bytes = this.manifests.get(digest) ?? (await readDocument(this.#files, nameOf(digest)));
    if (sha256(bytes) !== digest) throw new Error(`the manifest ${digest} has other content`);
    return bytes;
  }
}
