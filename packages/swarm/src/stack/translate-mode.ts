import { BelayError } from "@belay/core";
import type { ServiceMode } from "@belay/docker";
import { compact } from "./compact.ts";
import type { StackDeploy } from "./stack-document.ts";

/** How many tasks, and whether they run on or end. @throws BelayError CONFIG_INVALID */
export function translateMode({ mode = "", replicas }: StackDeploy, service: string): ServiceMode {
  const refuse = (got: string): never => {
    const doing = `translating the mode of the service ${service}`;
    throw new BelayError("CONFIG_INVALID", { doing, got, next: "Correct `deploy` in the stack's files." });
  };
  if (mode.startsWith("global") && replicas !== undefined) refuse("replicas don't go with a global mode");
  switch (mode) {
    case "global":
      return { Global: {} };
    case "global-job":
      return { GlobalJob: {} };
    case "replicated-job":
      return { ReplicatedJob: compact({ MaxConcurrent: replicas, TotalCompletions: replicas }) };
    case "replicated":
    case "":
      return { Replicated: compact({ Replicas: replicas }) };
    default:
      return refuse(`there is no mode ${mode}`);
  }
}
