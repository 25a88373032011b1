/**
 * The outside observer of a compose project: asks the plain docker command line, and nothing of Belay.
 * Reads `{env, project}` from stdin, writes what it sees to stdout.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Seen, SeenInstance } from "./observer.ts";

interface Inspected {
  readonly Name: string;
  readonly Image: string;
  readonly Config: {
    readonly Image: string;
    readonly Env: readonly string[] | null;
    readonly Labels: Readonly<Record<string, string>>;
  };
  readonly HostConfig: { readonly RestartPolicy: { readonly Name: string } };
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly Health?: { readonly Status: string };
  };
}

const { env, project } = JSON.parse(readFileSync(0, "utf8")) as {
  readonly env: Readonly<Record<string, string>>;
  readonly project: string;
};

function docker(args: readonly string[]): string {
  return execFileSync("docker", [...args], { env: { ...process.env, ...env }, encoding: "utf8", maxBuffer: 2 ** 26 });
}

function seenAs({ Name, Image, Config, HostConfig, State }: Inspected): SeenInstance {
  const pinned = /sha256:[0-9a-f]{64}$/.exec(Config.Image)?.[0];
  const note = Config.Env?.find((line) => line.startsWith("NOTE="))?.slice("NOTE=".length) ?? "";
  const completed = State.Status === "exited" && State.ExitCode === 0 && HostConfig.RestartPolicy.Name === "no";
  const running = State.Status === "running" || completed;
  const healthy = running && (completed || State.Health === undefined || State.Health.Status === "healthy");
  const digests = pinned === undefined ? [Image] : [Image, pinned];
  return { name: Name.slice(1), digests, note, running, healthy };
}

const filters = [`label=com.docker.compose.project=${project}`, "label=com.docker.compose.oneoff=False"];
const ids = docker(["ps", "-aq", "--no-trunc", ...filters.flatMap((one) => ["--filter", one])]);
const names = ids.split("\n").filter((line) => line !== "");
const containers = names.length === 0 ? [] : (JSON.parse(docker(["inspect", ...names])) as Inspected[]);
const services: Record<string, SeenInstance[]> = {};
for (const one of containers) {
  const service = one.Config.Labels["com.docker.compose.service"] ?? "";
  services[service] = [...(services[service] ?? []), seenAs(one)];
}
process.stdout.write(JSON.stringify({ services } satisfies Seen));
