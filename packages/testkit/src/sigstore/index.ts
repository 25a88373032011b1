export { type SigstoreRig, startSigstore } from "./start-sigstore.ts";
