/** For tests, the demo and the benchmarks only: rigs for real engines, fakes that speak real protocols. */

export * from "./act/index.ts";
export * from "./actions-tools/index.ts";
export * from "./fleet/index.ts";
export * from "./github/index.ts";
export * from "./rig/index.ts";
export * from "./shop/index.ts";
export * from "./sigstore/index.ts";
export * from "./simulated/index.ts";
export * from "./trivy/index.ts";
