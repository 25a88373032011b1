import type { Inputs, RolloutPolicy } from "@belay/core";
import { BUILD_INPUT_TEXTS, type BuildOverrides, loadBuildOverrides } from "./build-inputs.ts";

/** Inputs of the actions (options of the command line) that complete belay.yaml or win over it. */
export interface Overrides {
  readonly application?: string;
  /** Service that `image` and the build inputs speak of. Default: the only one there is. */
  readonly service?: string;
  readonly image?: string;
  readonly buildContext?: string;
  readonly dockerfile?: string;
  readonly buildTarget?: string;
  readonly testTarget?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly platforms?: readonly string[];
  /** The other build inputs. */
  readonly build?: BuildOverrides;
  readonly url?: string;
  readonly target?: "compose" | "swarm" | "kubernetes";
  readonly context?: string;
  readonly host?: string;
  readonly project?: string;
  readonly files?: readonly string[];
  readonly directory?: string;
  readonly stack?: string;
  readonly namespace?: string;
  readonly kubeconfig?: string;
  /** A whole kubeconfig, as it is or in base64. A secret. */
  readonly kubeconfigData?: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Text of the input: one probe a line, or a YAML list (see `parseHealthInput`). Replaces belay.yaml's probes. */
  readonly health?: string;
  /** Path of a public key, or an identity (an address). */
  readonly requireSignature?: string;
  readonly rollout?: Partial<RolloutPolicy>;
}

/** Every input that {@link loadOverrides} reads, for the tests that compare it with each action.yml. */
export const OVERRIDE_INPUTS = {
  application: "Name of the application. Default: belay.yaml's, else the repository's name.",
  service: "Service that `image` and the build inputs speak of. Default: the only one there is.",
  image:
    "Repository of the service's image, such as ghcr.io/acme/shop; may be pinned by digest when it is not built here.",
  "build-context": "Folder that is sent to the builder.",
  dockerfile: "Path of the Dockerfile, relative to the build context.",
  "build-target": "Stage of the Dockerfile that makes the image.",
  "test-target": "Stage of the Dockerfile that runs the tests; a failure of it ends the run.",
  "build-args": "Build arguments, NAME=value, one a line. Never secrets.",
  platforms: "Platforms to build for, one a line, such as linux/amd64.",
  ...BUILD_INPUT_TEXTS,
  url: "Where people reach the environment.",
  target: "Engine that runs the release: compose, swarm or kubernetes.",
  context: "Docker or kubeconfig context of the target.",
  host: "Address of the Docker engine, such as ssh://deploy@shop.example. Not together with `context`.",
  project: "Compose project. Default: the application.",
  files: "The target's files, one a line, relative to belay.yaml. Kubernetes also takes folders.",
  directory: "Compose's project directory. Default: the folder of the first file.",
  stack: "Swarm stack. Default: the application.",
  namespace: "Kubernetes namespace; it must exist. Default: the one of the context, else `default`.",
  kubeconfig: "Path of a kubeconfig, relative to belay.yaml. Default: what kubectl itself would use.",
  "kubeconfig-data":
    "A whole kubeconfig, as it is or in base64, from a secret. It is kept in memory only. Not together with `kubeconfig`.",
  variables: `Values for \${NAME} in belay.yaml and in the target's files, NAME=value, one a line. Never secrets.`,
  health: "Health probes, one a line, such as `web instance http://:8080/healthz`, or a YAML list as in belay.yaml.",
  "require-signature":
    "Deploy only images with this signature: path of cosign.pub, relative to belay.yaml, or the workflow that signed or attested them, such as https://github.com/acme/shop/.github/workflows/deploy.yml@refs/heads/main.",
  strategy: "rolling overlaps old and new; recreate accepts downtime for services that can't overlap.",
  start: "How long an instance may take to become ready for the first time, such as 60s.",
  deadline: "How long the whole deployment may take, such as 5m.",
  stable: "How long everything must stay right before the deployment counts as succeeded, such as 5s.",
  drain: "How long new instances are in service beside the old ones before those are stopped, such as 2s.",
  crashes: "Crashes of one instance that make a crash loop.",
  "on-failure": "rollback, or keep what failed for a look at it.",
  "on-first-failure": "What to do when the first deployment fails: keep or remove.",
  "on-cancel": "What a cancelled run does with a deployment that has begun: restore or leave.",
  "on-locked":
    "What to do when another deployment of this environment is alive: wait, refuse, or supersede (ask an older release to stop, then wait). Default: belay.yaml's, else wait; for a rollback by hand always supersede.",
  "allow-no-way-back": "Deploy although what runs now could not be brought back: true or false.",
  "allow-older": "Deploy a commit although a newer one runs: true or false.",
} as const satisfies Record<string, string>;

export type OverrideInput = keyof typeof OVERRIDE_INPUTS;

/** Leaves out what was not given, so that "not given" never wins over belay.yaml. */
type Given<T> = { readonly [K in keyof T]: T[K] | undefined };

/**
 * Reads the inputs that complete or override belay.yaml.
 * @throws BelayError INVALID_INPUT naming the input, its value and the legal values.
 */
export function loadOverrides(inputs: Inputs): Overrides {
  const name = <T extends OverrideInput>(input: T): T => input;
  const rollout = given<Partial<RolloutPolicy>>(loadRollout(inputs, name));
  return given<Overrides>({
    application: inputs.text(name("application")),
    service: inputs.text(name("service")),
    image: inputs.text(name("image")),
    buildContext: inputs.text(name("build-context")),
    dockerfile: inputs.text(name("dockerfile")),
    buildTarget: inputs.text(name("build-target")),
    testTarget: inputs.text(name("test-target")),
    buildArgs: filled(inputs.pairs(name("build-args"))),
    platforms: several(inputs.list(name("platforms")).flatMap((line) => line.split(/\s*,\s*/))),
    build: loadBuildOverrides(inputs),
    url: inputs.text(name("url")),
    target: inputs.choice(name("target"), ["compose", "swarm", "kubernetes"]),
    context: inputs.text(name("context")),
    host: inputs.text(name("host")),
    project: inputs.text(name("project")),
    files: several(inputs.list(name("files"))),
    directory: inputs.text(name("directory")),
    stack: inputs.text(name("stack")),
    namespace: inputs.text(name("namespace")),
    kubeconfig: inputs.text(name("kubeconfig")),
    kubeconfigData: inputs.text(name("kubeconfig-data")),
    variables: filled(inputs.pairs(name("variables"))),
    health: inputs.text(name("health")),
    requireSignature: inputs.text(name("require-signature")),
    rollout: filled(rollout),
  });
}

function loadRollout(inputs: Inputs, name: <T extends OverrideInput>(input: T) => T): Given<Partial<RolloutPolicy>> {
  return {
    strategy: inputs.choice(name("strategy"), ["rolling", "recreate"]),
    startMs: inputs.durationMs(name("start")),
    deadlineMs: inputs.durationMs(name("deadline")),
    stableMs: inputs.durationMs(name("stable")),
    drainMs: inputs.durationMs(name("drain")),
    crashes: inputs.integer(name("crashes"), 1, 100),
    onFailure: inputs.choice(name("on-failure"), ["rollback", "keep"]),
    onFirstFailure: inputs.choice(name("on-first-failure"), ["keep", "remove"]),
    onCancel: inputs.choice(name("on-cancel"), ["restore", "leave"]),
    onLocked: inputs.choice(name("on-locked"), ["wait", "refuse", "supersede"]),
    allowNoWayBack: inputs.boolean(name("allow-no-way-back")),
    allowOlder: inputs.boolean(name("allow-older")),
  };
}

function given<T extends object>(values: Given<T>): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

function filled<T extends object>(values: T): T | undefined {
  return Object.keys(values).length === 0 ? undefined : values;
}

function several<T>(values: readonly T[]): readonly T[] | undefined {
  return values.length === 0 ? undefined : values;
}
