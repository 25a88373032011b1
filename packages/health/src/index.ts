export { type Check, type Exec, type ProbeContext, type ProbeResult, probe, titleOf } from "./probe.ts";
export { createProber, type ProberOptions } from "./prober.ts";
