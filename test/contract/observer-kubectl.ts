/**
 * The outside observer of a namespace: asks the plain kubectl, and nothing of Belay.
 * Reads `{env, namespace, atOnce?}` from stdin, writes what it sees to stdout. Pods that were told to end are on their way
 * out and serve nobody; they are waited for, so that what is seen is what stays (`atOnce`: they are left out). What the kubelet
 * has evicted is history: the cluster keeps such pods for those who want to know why, and has others in their place.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Seen, SeenInstance } from "./observer.ts";

interface Deployment {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
  };
}

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly restartPolicy: string;
    readonly containers: readonly {
      readonly image: string;
      readonly env?: readonly { readonly name: string; readonly value?: string }[];
    }[];
  };
  readonly status: {
    readonly phase: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly imageID: string }[];
  };
}

const { env, namespace, atOnce } = JSON.parse(readFileSync(0, "utf8")) as {
  readonly env: Readonly<Record<string, string>>;
  readonly namespace: string;
  readonly atOnce?: true;
};

function list<T>(kind: string): readonly T[] {
  const options = { env: { ...process.env, ...env }, encoding: "utf8", maxBuffer: 2 ** 26 } as const;
  const text = execFileSync("kubectl", ["--namespace", namespace, "get", kind, "--output", "json"], options);
  return (JSON.parse(text) as { readonly items: readonly T[] }).items;
}

function seenAs({ metadata, spec, status }: Pod): SeenInstance {
  const completed = status.phase === "Succeeded";
  const ready = status.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
  const [container] = spec.containers;
  const texts = [container?.image ?? "", ...(status.containerStatuses ?? []).map((one) => one.imageID)];
  return {
    name: metadata.name,
    digests: texts.flatMap((text) => /sha256:[0-9a-f]{64}$/.exec(text)?.[0] ?? []),
    note: container?.env?.find((one) => one.name === "NOTE")?.value ?? "",
    running: completed || status.phase === "Running",
    healthy: completed || ready,
  };
}

const isLeaving = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;
let found = list<Pod>("pods");
for (let tries = 0; !atOnce && tries < 100 && found.some(isLeaving); tries++) {
  await delay(200);
  found = list<Pod>("pods");
}
if (atOnce) found = found.filter((one) => !isLeaving(one));
// Evicted ones that ended with 0 are called `Succeeded`.
const isHistory = ({ spec, status }: Pod): boolean =>
  ["Failed", "Succeeded"].includes(status.phase) && spec.restartPolicy === "Always";
const services: Record<string, SeenInstance[]> = {};
for (const one of found.filter((pod) => !isHistory(pod))) {
  const service = one.metadata.labels?.["app.kubernetes.io/name"] ?? "";
  services[service] = [...(services[service] ?? []), seenAs(one)];
}
const deployments = list<Deployment>("deployments").map(({ metadata, spec }) => {
  const image = spec.template.spec.containers[0]?.image ?? "";
  return [metadata.name, /sha256:[0-9a-f]{64}$/.exec(image)?.[0] ?? ""] as const;
});
process.stdout.write(JSON.stringify({ services, wanted: Object.fromEntries(deployments) } satisfies Seen));
