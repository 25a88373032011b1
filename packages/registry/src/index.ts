export {
  type Artifact,
  type AttachArtifactOptions,
  type AttachedArtifact,
  attachArtifact,
  findArtifacts,
  readArtifact,
} from "./attach-artifact.ts";
export { type Authenticator, type Credentials, createAuthenticator } from "./authenticator.ts";
export { type BlobSource, blobOfBytes, blobOfFile } from "./blob-source.ts";
export {
  chooseImages,
  freedBytes,
  type ImageChoice,
  isPartOf,
  manifestsToDelete,
  PART_OF_KEPT,
  partsOfNoOther,
  withNewNeeds,
} from "./choose-images.ts";
export { type InsecureRegistries, insecureRegistries, isLoopback } from "./insecure-registries.ts";
export { type Descriptor, layersOf, MEDIA_TYPES, type ResolvedImage, type StoredManifest } from "./manifest.ts";
export { type PushEngine, type PushReleaseOptions, pushRelease } from "./push-release.ts";
export { readRepository, type StoredImage } from "./read-repository.ts";
export { createRegistryClient, type RegistryClient, type RegistryClientOptions } from "./registry-client.ts";
export { attachRelease, type FoundRelease, findRelease, RELEASE_ARTIFACT } from "./release-referrer.ts";
export type { Uploaded, UploadOptions } from "./upload-blob.ts";
export { withoutNewNames } from "./without-new-names.ts";
