import { openKubernetesStand } from "../../test/contract/kubernetes-stand.ts";
import type { BenchEngine } from "./bench-engine.ts";

/** A Deployment, beside `kubectl set image`, `rollout status` and, when that says no, `rollout undo`. */
export const KUBERNETES: BenchEngine = {
  title: "Kubernetes",
  limits: { missing: 1, crash: 3, sick: 4 },
  // `rollout status` ends when the engine is done: its time is the engine's own.
  goodLimit: (engineSeconds) => engineSeconds + 0.3,
  tool: "kubectl rollout status (and undo)",
  open: openKubernetesStand,
};
