/** Who vouches for an image: signatures beside it in its registry, as cosign writes and reads them. */

export { BUNDLE, type FoundBundle } from "./bundles-beside.ts";
export { checkIdentity, type IdentityRequirement, type KeptElsewhere } from "./check-identity.ts";
export { checkSignature, type SignatureCheck } from "./check-signature.ts";
export { hasIdentity, type IdentityTokenOptions, identityToken } from "./identity-token.ts";
export { keyId, loadPublicKey } from "./public-key.ts";
export { signImage } from "./sign-image.ts";
export { type KeylessOptions, SIGSTORE, signKeyless } from "./sign-keyless.ts";
export { type StoreOptions, signatureTag } from "./signature-store.ts";
export { loadSigningKey, type SigningKey } from "./signing-key.ts";
export { type Whose, workflowRepository } from "./workflow-repository.ts";
