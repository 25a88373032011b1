import { readFile } from "node:fs/promises";
import { waitUntil } from "@belay/testkit";
import { parseAllDocuments } from "yaml";
import type { Shop } from "./kubernetes-space.ts";

const RBAC = new URL("../../examples/kubernetes/rbac.yaml", import.meta.url);

/**
 * Binds the Role `belay` of examples/kubernetes/rbac.yaml and nothing else to its account, and waits until it counts.
 * `probes`: with the rule for commands inside pods, which stands there as a comment.
 */
export async function bindRole(shop: Shop, { probes = false } = {}): Promise<void> {
  const text = await readFile(RBAC, "utf8");
  const documents = parseAllDocuments(probes ? withProbes(text) : text);
  const objects = (Array.isArray(documents) ? documents : []).map(
    (one) => one.toJS() as { metadata: { name: string } },
  );
  await shop.apply(objects.filter(({ metadata }) => metadata.name === "belay"));
  const account = `system:serviceaccount:${shop.scope.project}:belay`;
  const mayChange = ["--namespace", shop.scope.project, "auth", "can-i", "patch", "deployments", "--as", account];
  const counts = async (): Promise<boolean> =>
    (await shop.cluster.kubectl(mayChange, { allowedExitCodes: [0, 1] })).exitCode === 0;
  await waitUntil("the Role counts", counts, { withinMs: 60_000, everyMs: 100 });
}

/** As a user makes the rule active: without the marks of the comment. */
function withProbes(text: string): string {
  const rule = /^ {2}# - apiGroups: .*\n {2}# {3}resources: \[pods\/exec\]\n {2}# {3}verbs: .*$/m;
  if (!rule.test(text)) throw new Error(`${RBAC.pathname} has no rule for pods/exec`);
  return text.replace(rule, (lines) => lines.replaceAll(/^ {2}# /gm, "  "));
}

/** The administrator's way to the cluster, with this account in his place. */
export async function kubeconfigOf(shop: Shop, account: string): Promise<string> {
  const admin = JSON.parse(await shop.kubectl("config", "view", "--raw", "--flatten", "--minify", "-o", "json")) as {
    readonly contexts: readonly { readonly context: object }[];
  };
  const token = (await shop.kubectl("create", "token", account)).trim();
  const users = [{ name: account, user: { token } }];
  const contexts = admin.contexts.map((one) => ({ ...one, context: { ...one.context, user: account } }));
  return JSON.stringify({ ...admin, users, contexts });
}
