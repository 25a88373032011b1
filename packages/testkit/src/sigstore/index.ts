export type { Attestation } from "./attest-at.ts";
export { type SigstoreOptions, type SigstoreRig, startSigstore } from "./start-sigstore.ts";
