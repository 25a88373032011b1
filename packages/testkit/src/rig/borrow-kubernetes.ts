import { request } from "node:http";
import { text } from "node:stream/consumers";

/** The kubeconfig of the cluster that a lender of this test run has, or `undefined` where there is no lender. */
export async function borrowKubernetes(): Promise<string | undefined> {
  const socketPath = process.env.BELAY_TEST_LENDER;
  if (!socketPath) return undefined;
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: "/" }, async (answer) => {
      const said = await text(answer);
      if (answer.statusCode === 200) resolve(said);
      else reject(new Error(said));
    });
    asked.once("error", reject);
    asked.end();
  });
}
