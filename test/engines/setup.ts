import { lendKubernetes } from "@belay/testkit";

/** vitest's `globalSetup`: the tests of a run share one cluster, which is started when the first of them wants it. */
export const setup = lendKubernetes;
