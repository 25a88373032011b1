import { digestOf } from "./digest.ts";

export type TargetKind = "compose" | "swarm" | "kubernetes";

/** What a ledger and the ownership of resources belong to. */
export interface Scope {
  readonly target: TargetKind;
  /** Compose project, Swarm stack, Kubernetes namespace. */
  readonly project: string;
  readonly application: string;
  readonly environment: string;
}

/** Short name of a scope for record names: 12 hexadecimal digits. */
export function scopeHash(scope: Scope): string {
  const { target, project, application, environment } = scope;
  return digestOf({ target, project, application, environment }).slice("sha256:".length, "sha256:".length + 12);
}

/** Labels on every resource that Belay makes or changes. Reverse DNS style as Docker asks for third-party labels. */
export const LABELS = {
  application: "dev.belay.application",
  environment: "dev.belay.environment",
  deployment: "dev.belay.deployment",
  release: "dev.belay.release",
  revision: "dev.belay.revision",
  service: "dev.belay.service",
  scope: "dev.belay.scope",
  record: "dev.belay.record",
  /** Swarm: the user's own update settings, as JSON, while a way back has others in force. */
  updateConfig: "dev.belay.update-config",
} as const;
