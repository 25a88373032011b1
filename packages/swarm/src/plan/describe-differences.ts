import { canonicalJson } from "@belay/core";
import type { ContainerSpec, ServiceSpec } from "@belay/docker";
import { foreignLabels } from "../spec/normal-spec.ts";
import { plain } from "../spec/plain.ts";
import { readLabels } from "../spec/service-labels.ts";
import { wantedTasks } from "../spec/service-mode.ts";
import type { TargetState } from "../target-state.ts";
import type { PlannedService } from "./plan-detail.ts";

/** One line per difference between the spec in force and the one that is wanted: names, never values. */
export function describeDifferences(state: TargetState, { current, draft }: PlannedService): string[] {
  if (current === undefined || draft === undefined) return [];
  const before = current.Spec;
  const after = draft(before);
  const lines = [
    ...containerLines(before.TaskTemplate.ContainerSpec, after.TaskTemplate.ContainerSpec),
    ...partLines(before, after, state),
    ...scaleLines(before, after),
  ];
  if (lines.length > 0) return lines;
  return [
    readLabels(before).scope === undefined ? "labels of Belay are added" : "what an update left undone is finished",
  ];
}

function containerLines(before: ContainerSpec | undefined, after: ContainerSpec | undefined): string[] {
  if (before === undefined || after === undefined) return [];
  const files = (one: ContainerSpec): string[] => [
    ...(one.Configs ?? []).map(({ ConfigName }) => `config ${ConfigName}`),
    ...(one.Secrets ?? []).map(({ SecretName }) => `secret ${SecretName}`),
  ];
  const { Image, Env, Configs, Secrets, ...rest } = after;
  const others = Object.keys({ ...before, ...rest }).filter(
    (key) => !["Image", "Env", "Configs", "Secrets"].includes(key),
  );
  return [
    ...(before.Image === Image ? [] : [`image: ${before.Image} → ${Image}`]),
    ...environmentLines(before.Env ?? [], Env ?? []),
    ...listLines(files(before), files(after)),
    ...others.filter((key) => !isSame(before[key], after[key])).map((key) => `${key} changed`),
  ];
}

function environmentLines(before: readonly string[], after: readonly string[]): string[] {
  const old = variables(before);
  const now = variables(after);
  return [
    ...[...now].flatMap(([name, value]) => {
      if (!old.has(name)) return [`environment: ${name} added`];
      return old.get(name) === value ? [] : [`environment: ${name} changed`];
    }),
    ...[...old.keys()].filter((name) => !now.has(name)).map((name) => `environment: ${name} removed`),
  ];
}

function variables(env: readonly string[]): Map<string, string> {
  return new Map(
    env.map((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

function listLines(before: readonly string[], after: readonly string[]): string[] {
  return [
    ...after.filter((one) => !before.includes(one)).map((one) => `${one} added`),
    ...before.filter((one) => !after.includes(one)).map((one) => `${one} removed`),
  ];
}

/** The other parts of the task template, and of the service. */
function partLines(before: ServiceSpec, after: ServiceSpec, state: TargetState): string[] {
  const named = (spec: ServiceSpec): unknown =>
    spec.TaskTemplate.Networks?.map((one) => ({
      ...one,
      Target: state.directory.networks.get(one.Target) ?? one.Target,
    }));
  const lists: [string, unknown, unknown][] = [
    ["limits", before.TaskTemplate.Resources, after.TaskTemplate.Resources],
    ["restart policy", before.TaskTemplate.RestartPolicy, after.TaskTemplate.RestartPolicy],
    ["placement", before.TaskTemplate.Placement, after.TaskTemplate.Placement],
    ["networks", named(before), named(after)],
    ["log driver", before.TaskTemplate.LogDriver, after.TaskTemplate.LogDriver],
    ["labels", foreignLabels(before.Labels), foreignLabels(after.Labels)],
    ["ports", before.EndpointSpec, after.EndpointSpec],
    ["update settings", before.UpdateConfig, after.UpdateConfig],
    ["rollback settings", before.RollbackConfig, after.RollbackConfig],
  ];
  return lists.filter(([, a, b]) => !isSame(a, b)).map(([what]) => `${what} changed`);
}

function scaleLines(before: ServiceSpec, after: ServiceSpec): string[] {
  const [old, now] = [wantedTasks(before), wantedTasks(after)];
  return old === now ? [] : [`replicas: ${old ?? "one per node"} → ${now ?? "one per node"}`];
}

function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson(plain(a) ?? null) === canonicalJson(plain(b) ?? null);
}
