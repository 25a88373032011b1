import { BelayError, type Digest, isDigest, oneLine, parseReference } from "@belay/core";

/** Where the image is, and which one. */
export type ScanSubject =
  /** An image of the local engine (`DOCKER_HOST`), by its ID. */
  | { readonly kind: "engine"; readonly id: Digest }
  /** An image in a registry: `ghcr.io/acme/shop@sha256:…`. A tag is not taken: it may be moved between two looks. */
  | { readonly kind: "registry"; readonly reference: string }
  /** A folder with an OCI image layout, as `buildx build --output type=oci,tar=false` writes it. */
  | { readonly kind: "layout"; readonly path: string }
  /** A file as `docker save` writes it. */
  | { readonly kind: "archive"; readonly path: string };

/** The subject as people name it. */
export function nameOf(subject: ScanSubject): string {
  if (subject.kind === "engine") return subject.id;
  return oneLine(subject.kind === "registry" ? subject.reference : subject.path);
}

/**
 * Refuses what is no image ID and no reference with a digest, so that nothing else ever becomes an argument.
 * @throws BelayError INVALID_INPUT
 */
export function checkSubject(subject: ScanSubject): void {
  const doing = `scanning ${nameOf(subject)}`;
  if (subject.kind === "engine" && !isDigest(subject.id)) {
    throw new BelayError("INVALID_INPUT", { doing, got: "it is no image ID", next: "An ID is sha256:… ." });
  }
  if (subject.kind === "registry" && parseReference(subject.reference)?.digest === undefined) {
    const next = "Name the image by its digest: repository@sha256:… .";
    throw new BelayError("INVALID_INPUT", { doing, got: "it is no reference with a digest", next });
  }
}
