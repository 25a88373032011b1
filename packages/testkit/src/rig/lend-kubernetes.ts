import { createServer } from "node:http";
import { join } from "node:path";
import { messageOf } from "@belay/core";
import { type KubernetesRig, startKubernetes } from "./kubernetes-rig.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/**
 * For vitest's `globalSetup`: one cluster for all test files of a run, started when the first `useKubernetes` asks for it.
 * The workers find the lender by the environment, which they inherit. Returns what ends it, and the cluster if there is one.
 */
export async function lendKubernetes(): Promise<() => Promise<void>> {
  const folder = await temporaryFolder("belay-lender");
  let cluster: Promise<KubernetesRig> | undefined;
  const server = createServer((_request, response) => {
    cluster ??= startKubernetes();
    cluster.then(
      ({ kubeconfig }) => response.end(kubeconfig),
      (error: unknown) => response.writeHead(500).end(messageOf(error)),
    );
  });
  const socket = join(folder.path, "lender.sock");
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(socket, resolve));
  process.env.BELAY_TEST_LENDER = socket;
  return async () => {
    server.close();
    await cluster?.then(
      (rig) => rig.stop(),
      () => undefined,
    );
    await folder.remove();
  };
}
