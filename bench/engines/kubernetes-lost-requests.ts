import { pinnedReference } from "@belay/core";
import { startRegistry, useKubernetes } from "@belay/testkit";
import { openCatalogue } from "../../test/contract/images.ts";
import { createWorkloadsApplication, Space } from "../../test/contract/kubernetes-stand.ts";
import { gracefulWorkload } from "../../test/engines/graceful-workload.ts";
import type { Figure } from "../measure.ts";
import { lostRequestFigure } from "./lost-requests.ts";

/** Longer than a good release takes; it would wait for ten minutes (`progressDeadlineSeconds`) for a bad one. */
const PATIENCE_MS = 30_000;

/** Three pods behind a Service. */
export async function kubernetesLostRequests(): Promise<Figure[]> {
  await using cluster = await useKubernetes();
  await using registry = await startRegistry();
  const images = await openCatalogue(registry);
  const space = new Space(cluster, images, "bench-lost");
  await space.create();
  space.definitions = { web: { replicas: 3 } };
  const url = await gracefulWorkload(space, pinnedReference(await images.identity("good1")) ?? "");
  const app = createWorkloadsApplication(space, () => undefined);
  const undo = async (): Promise<void> => {
    await space.kubectl("rollout", "undo", "deployment/web");
    await space.kubectl("rollout", "status", "deployment/web", "--timeout", "60s");
  };
  const comparison = { tool: "kubectl set image, rollout status, undo", patienceMs: PATIENCE_MS, undo };
  // A pod that was ready and crashes then has taken requests: no order of changes can help those, only a second try by the
  // caller, or a stable window before more of them are there.
  const bad = ["exits", "unhealthy"] as const;
  const figure = await lostRequestFigure({ title: "Kubernetes Service", app, url, bad, ...comparison });
  await app.remove();
  return [figure];
}
