import { dirname, resolve } from "node:path";
import type { OverrideInput, Overrides } from "./overrides.ts";
import { readKubeconfig } from "./read-kubeconfig.ts";
import type { Resolution } from "./resolution.ts";
import type { TargetData } from "./schema.ts";
import type { ComposeTarget, KubernetesTarget, SwarmTarget, TargetSettings } from "./settings.ts";

export interface TargetSources {
  readonly resolution: Resolution;
  readonly environment: string;
  readonly application: string;
  readonly inputs: Overrides;
  readonly directory: string;
  readonly onSecret: (value: string) => void;
}

type DataOf<K extends TargetData["kind"]> = Partial<Extract<TargetData, { kind: K }>>;

/** The inputs that only one kind of target has. */
const OWN_INPUTS = [
  ["project", "project", ["compose"]],
  ["files", "files", ["compose", "swarm", "kubernetes"]],
  ["directory", "directory", ["compose"]],
  ["stack", "stack", ["swarm"]],
  ["namespace", "namespace", ["kubernetes"]],
  ["kubeconfig", "kubeconfig", ["kubernetes"]],
  ["kubeconfig-data", "kubeconfigData", ["kubernetes"]],
  ["host", "host", ["compose", "swarm"]],
] as const;

/**
 * The target of the environment. An input of another kind than belay.yaml's replaces it as a whole. `undefined` when
 * nothing says what it is, which has then been told.
 */
export function resolveTarget(sources: TargetSources): TargetSettings | undefined {
  const { resolution, environment, inputs } = sources;
  const written = resolution.file?.data.environments?.[environment]?.target;
  const kind = inputs.target ?? written?.kind;
  if (kind === undefined) {
    tellMissing(sources);
    return undefined;
  }
  for (const [input, key, kinds] of OWN_INPUTS) {
    if (inputs[key] === undefined || kinds.some((one) => one === kind)) continue;
    resolution.refuse(input, `it belongs to the target ${kinds.join(" or ")}, but the target is ${kind}.`);
  }
  const filled = written?.kind === kind ? resolution.fill(written, pathOf(sources)) : undefined;
  if (kind === "compose") return resolveCompose(sources, filled?.kind === kind ? filled : {});
  if (kind === "swarm") return resolveSwarm(sources, filled?.kind === kind ? filled : {});
  return resolveKubernetes(sources, filled?.kind === kind ? filled : {});
}

function tellMissing({ resolution, environment }: TargetSources): void {
  const next = "Legal values: compose, swarm, kubernetes.";
  if (resolution.file === undefined) resolution.refuse("target", `it is missing, and there is no belay.yaml. ${next}`);
  else
    resolution.complain(
      ["environments", environment],
      `\`environments.${environment}.target\` is missing. ${next}`,
      "key",
    );
}

function pathOf({ environment }: TargetSources, key?: string): string[] {
  return ["environments", environment, "target", ...(key === undefined ? [] : [key])];
}

function resolveCompose(sources: TargetSources, data: DataOf<"compose">): ComposeTarget {
  const { resolution, inputs, application } = sources;
  const base = sources.directory;
  const project = resolution.text("project", inputs.project, "name", pathOf(sources, "project"), data.project);
  const files = resolveFiles(sources, data.files);
  const directory = inputs.directory ?? data.directory;
  const folder = files[0] === undefined ? base : dirname(files[0]);
  return {
    kind: "compose",
    ...resolveEngine(sources, data),
    project: project ?? application,
    files,
    ...(data.profiles === undefined ? {} : { profiles: data.profiles }),
    directory: directory === undefined ? folder : resolve(base, directory),
  };
}

function resolveSwarm(sources: TargetSources, data: DataOf<"swarm">): SwarmTarget {
  const { resolution, inputs, application } = sources;
  const stack = resolution.text("stack", inputs.stack, "name", pathOf(sources, "stack"), data.stack);
  return {
    kind: "swarm",
    ...resolveEngine(sources, data),
    stack: stack ?? application,
    files: resolveFiles(sources, data.files),
  };
}

function resolveKubernetes(sources: TargetSources, data: DataOf<"kubernetes">): KubernetesTarget {
  const { resolution, inputs } = sources;
  const context = word(sources, "context", data.context);
  const path = pathOf(sources, "namespace");
  const namespace = resolution.text("namespace", inputs.namespace, "namespace", path, data.namespace);
  return {
    kind: "kubernetes",
    ...resolveKubeconfig(sources, data.kubeconfig),
    ...(context === undefined ? {} : { context }),
    ...(namespace === undefined ? {} : { namespace }),
    files: resolveFiles(sources, data.files),
  };
}

/** An input for one of the two replaces belay.yaml's path. */
function resolveKubeconfig({ resolution, inputs, directory, onSecret }: TargetSources, written: string | undefined) {
  const { kubeconfig: given, kubeconfigData: data } = inputs;
  if (data === undefined) {
    const path = given ?? written;
    return path === undefined ? {} : { kubeconfig: resolve(directory, path) };
  }
  onSecret(data);
  if (given !== undefined) {
    resolution.refuse("kubeconfig-data", "it was given together with the input `kubeconfig`. Give one of them.");
  }
  const kubeconfigText = readKubeconfig(data, onSecret);
  if (kubeconfigText !== undefined) return { kubeconfigText };
  resolution.refuse("kubeconfig-data", "it is no kubeconfig. Legal values: its whole text, as it is or in base64.");
  return {};
}

function resolveFiles({ directory, inputs }: TargetSources, files: readonly string[] | undefined): readonly string[] {
  return (inputs.files ?? files ?? []).map((file) => resolve(directory, file));
}

/** An input for one of the two replaces both of belay.yaml. */
function resolveEngine(sources: TargetSources, data: { context?: string | undefined; host?: string | undefined }) {
  const { resolution, inputs } = sources;
  const given = inputs.context !== undefined || inputs.host !== undefined;
  const context = word(sources, "context", given ? undefined : data.context);
  const host = resolution.text("host", inputs.host, "host", pathOf(sources, "host"), given ? undefined : data.host);
  if (inputs.context !== undefined && inputs.host !== undefined) {
    resolution.refuse("host", "it was given together with the input `context`. Give one of them.");
  }
  return { ...(context === undefined ? {} : { context }), ...(host === undefined ? {} : { host }) };
}

function word(
  sources: TargetSources,
  input: OverrideInput & keyof Overrides,
  own: string | undefined,
): string | undefined {
  const given = sources.inputs[input];
  const text = typeof given === "string" ? given : undefined;
  return sources.resolution.text(input, text, "word", pathOf(sources, input), own);
}
