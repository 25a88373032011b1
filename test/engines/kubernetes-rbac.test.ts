import { readFile } from "node:fs/promises";
import { mapBounded, messageOf } from "@belay/core";
import { createTestLog, waitUntil } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import type { ImageCatalogue } from "../contract/images.ts";
import { CRASH_LINE } from "../contract/variants.ts";
import { configOf, deploymentOf, openTarget, POLICY, releaseOf, roll, serviceOf } from "./manifest-shop.ts";
import { type ManifestStand, releaseWith } from "./manifest-stand.ts";
import { useManifestStands } from "./use-manifest-stands.ts";

/* The Roles of examples/kubernetes/rbac.yaml are enough, and none of their verbs is too much. */

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const RBAC = new URL("../../examples/kubernetes/rbac.yaml", import.meta.url);

let images: ImageCatalogue;
let stand: ManifestStand;
useManifestStands((opened, catalogue) => {
  stand = opened;
  images = catalogue;
});

describe("the shipped Roles", () => {
  it("are enough for a first deployment, a good one, a leftover and a way back", async () => {
    await stand.pipe(await readFile(RBAC, "utf8"), "apply");
    const account = await stand.as("belay");
    const patch = { verb: "patch", group: "apps", resource: "deployments" };
    await waitUntil("the Role counts", () => account.api.may(patch), { withinMs: 60_000 });
    const web = (level: string) =>
      configOf("settings", level) +
      deploymentOf("web", { container: "          envFrom: [{ configMapRef: { name: settings } }]" });
    await stand.write({ "web.yaml": web("info") + serviceOf("web"), "old.yaml": serviceOf("old") });
    const first = await roll(account, await releaseOf(images, { web: "good1" }));
    expect(first, first.log).toMatchObject({ outcome: "succeeded" });
    await stand.write({ "web.yaml": web("debug") + serviceOf("web"), "old.yaml": "" });
    const bad = await roll(account, await releaseOf(images, { web: "crash" }));
    expect(bad, bad.log).toMatchObject({ outcome: "rolled_back", cause: { cause: "crash_loop" } });
    expect(bad.report.evidence[0]).toMatchObject({ exitCode: 3, logLines: expect.arrayContaining([CRASH_LINE]) });
    const good = await roll(account, await releaseOf(images, { web: "good2" }));
    expect(good, good.log).toMatchObject({ outcome: "succeeded" });
    expect((await stand.kubectl("get", "services", "-o", "name")).trim()).toBe("service/web");
    await account.api.close();
  });

  it("have no verb too many: without any one of them the plan says which, before anything is changed", async () => {
    await stand.write({ "all.yaml": EVERY_KIND });
    const rules = await readRules();
    const cases = rules.flatMap((rule, at) =>
      rule.resources.flatMap((resource) => rule.verbs.map((verb) => ({ at, resource, verb }))),
    );
    const name = (index: number) => `case-${index}`;
    await stand.pipe(
      JSON.stringify({
        apiVersion: "v1",
        kind: "List",
        items: cases.flatMap((one, index) => accountWithout(rules, one, name(index))),
      }),
      "create",
    );
    const quiet: string[] = [];
    await mapBounded(
      cases.map((one, index) => ({ ...one, account: name(index) })),
      4,
      stand.signal,
      async ({ resource, verb, account }) => {
        const said = await planAs(account);
        const [plural, sub] = resource.split("/");
        const names =
          said.includes(`${verb} ${resource}`) ||
          new RegExp(`cannot ${verb} resource "${plural}${sub ? `/${sub}` : ""}"`).test(said);
        const unseen = verb === "list" && said.includes("may not list");
        if (!names && !unseen) quiet.push(`${verb} ${resource}: ${said}`);
      },
    );
    expect(quiet).toEqual([]);
    expect(
      await stand.kubectl("get", "deployments,jobs,statefulsets,configmaps", "-l", "belay.dev/scope", "-o", "name"),
    ).toBe("");
  }, 600_000);
});

const LIST_EVENTS = { verb: "list", group: "", resource: "events" };

/** What the plan says to an account: its findings, or the error instead of a plan. */
async function planAs(account: string): Promise<string> {
  const other = await stand.as(account);
  try {
    // No case is without both.
    const counts = async () =>
      (await other.api.may(LIST_EVENTS)) || other.api.may({ ...LIST_EVENTS, resource: "pods" });
    await waitUntil(`the Role of ${account} counts`, counts, { withinMs: 60_000 });
    const target = await openTarget(other, createTestLog());
    const { findings } = await target.plan(releaseWith("a"), POLICY);
    await target.close();
    return findings.map(({ level, message }) => `${level}: ${message}`).join("\n");
  } catch (error) {
    return messageOf(error);
  } finally {
    await other.api.close();
  }
}

async function readRules(): Promise<readonly Rule[]> {
  const documents = parseAllDocuments(await readFile(RBAC, "utf8"));
  const objects = (Array.isArray(documents) ? documents : []).map(
    (one) => one.toJS() as { kind: string; rules?: Rule[] },
  );
  return objects.flatMap(({ kind, rules }) => (kind === "Role" ? (rules ?? []) : []));
}

/** An account with every rule but for one verb on one resource, wherever it stands. */
function accountWithout(
  rules: readonly Rule[],
  without: { readonly at: number; readonly resource: string; readonly verb: string },
  name: string,
) {
  const group = rules[without.at]?.apiGroups[0];
  const left = rules.flatMap(({ apiGroups, resources, verbs }) =>
    resources.map((resource) => {
      const isIt = resource === without.resource && apiGroups[0] === group;
      return { apiGroups, resources: [resource], verbs: isIt ? verbs.filter((verb) => verb !== without.verb) : verbs };
    }),
  );
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name };
  const kept = left.filter(({ verbs }) => verbs.length > 0);
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name } },
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { name }, rules: kept },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name },
      roleRef,
      subjects: [{ kind: "ServiceAccount", name }],
    },
  ];
}

const POD = `metadata: { labels: { app: x } }, spec: { restartPolicy: Never, containers: [{ name: a, image: "x@sha256:${"b".repeat(64)}" }] }`;
const ALWAYS = POD.replace("restartPolicy: Never, ", "");
const object = (apiVersion: string, kind: string, name: string, rest: string) =>
  `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: ${name} }\n${rest}\n`;
const EVERY_KIND = [
  deploymentOf("web"),
  object(
    "apps/v1",
    "StatefulSet",
    "store",
    `spec: { serviceName: store, selector: { matchLabels: { app: x } }, template: { ${ALWAYS} } }`,
  ),
  object("apps/v1", "DaemonSet", "agent", `spec: { selector: { matchLabels: { app: x } }, template: { ${ALWAYS} } }`),
  object("batch/v1", "Job", "migrate", `spec: { template: { ${POD} } }`),
  object(
    "batch/v1",
    "CronJob",
    "nightly",
    `spec: { schedule: "0 0 1 1 *", jobTemplate: { spec: { template: { ${POD} } } } }`,
  ),
  configOf("settings", "info"),
  serviceOf("web"),
  object("v1", "ServiceAccount", "robot", ""),
  object("v1", "Secret", "keys", "stringData: { a: b }"),
  object(
    "v1",
    "PersistentVolumeClaim",
    "data",
    "spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } }",
  ),
  object(
    "networking.k8s.io/v1",
    "Ingress",
    "web",
    "spec: { defaultBackend: { service: { name: web, port: { number: 80 } } } }",
  ),
  object("networking.k8s.io/v1", "NetworkPolicy", "web", "spec: { podSelector: {} }"),
  object(
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    "web",
    "spec: { maxReplicas: 2, scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web } }",
  ),
  object(
    "policy/v1",
    "PodDisruptionBudget",
    "web",
    "spec: { maxUnavailable: 1, selector: { matchLabels: { app: web } } }",
  ),
].join("");
