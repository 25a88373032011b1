import { join } from "node:path";
import { BelayError } from "@belay/core";
import { buildWithGo, type GoRecipe } from "./build-with-go.ts";
import { cacheFolder } from "./cache-folder.ts";
import { installDebianPackages } from "./debian-packages.ts";
import { findProgram, pluginFolders, programFolders } from "./find-program.ts";
import { run } from "./run.ts";

interface ToolRecipe {
  readonly program: string;
  /** Arguments that make it tell its version, as a proof that it runs. */
  readonly version: readonly string[];
  /** Of that. Default: 0. */
  readonly exitCodes?: readonly number[];
  /** What the version has to look like, where an older one is of no use. */
  readonly accept?: RegExp;
  readonly folders?: () => string[];
  /** Debian packages, installed together with those of other missing tools. */
  readonly debian?: readonly string[];
  readonly go?: GoRecipe;
}

const ENGINE = ["docker.io", "containerd", "runc", "iptables", "iproute2"];
const COMPOSE_FLAGS = "-s -w -X github.com/docker/compose/v2/internal.Version=v2.40.3";
const CLI_FLAGS = "-s -w -X github.com/docker/cli/cli/version.Version=28.5.1";
const BUILDX_FLAGS = "-s -w -X github.com/docker/buildx/version.Version=v0.29.1";
const BUILDKIT_FLAGS = "-s -w -X github.com/moby/buildkit/version.Version=v0.25.1";
const TRIVY_FLAGS = "-s -w -X github.com/aquasecurity/trivy/pkg/version/app.ver=0.72.0";

const COSIGN_FLAGS = "-s -w -X sigs.k8s.io/release-utils/version.gitVersion=v2.6.2";

const KUBERNETES_PROGRAMS = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "kube-proxy",
] as const;

/** All programs of Kubernetes are packages of one module. About four minutes on two cores for the first, then seconds each. */
function kubernetes(program: string): GoRecipe {
  const version = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"];
  const flags = version.flatMap((name) => [
    `-X ${name}.gitVersion=v1.34.4`,
    `-X ${name}.gitMajor=1 -X ${name}.gitMinor=34`,
  ]);
  return { rig: "kubernetes", package: `k8s.io/kubernetes/cmd/${program}`, ldflags: `-s -w ${flags.join(" ")}` };
}

function kubernetesPrograms(): Record<(typeof KUBERNETES_PROGRAMS)[number], ToolRecipe> {
  const recipes = KUBERNETES_PROGRAMS.map((program): [string, ToolRecipe] => {
    const accept = /^Kubernetes v1\.(3[4-9]|[4-9]\d)\./m;
    return [program, { program, version: ["--version"], accept, go: kubernetes(program) }];
  });
  return Object.fromEntries(recipes) as Record<(typeof KUBERNETES_PROGRAMS)[number], ToolRecipe>;
}

const RECIPES = {
  docker: { program: "docker", version: ["--version"], debian: ["docker.io"] },
  dockerd: { program: "dockerd", version: ["--version"], debian: ENGINE },
  // Not by the name `dockerd`: the engine of Debian, which is older, has to stay the one that is found by that.
  dockerdCurrent: {
    program: "dockerd-current",
    version: ["--version"],
    go: { rig: "dockerd", package: "github.com/moby/moby/v2/cmd/dockerd", ldflags: "-s -w" },
  },
  // Current engines give it a listening socket, which older ones can't take.
  dockerProxyCurrent: {
    program: "docker-proxy-current",
    version: ["--version"],
    go: { rig: "dockerd", package: "github.com/moby/moby/v2/cmd/docker-proxy", ldflags: "-s -w" },
  },
  ip: { program: "ip", version: ["-V"], debian: ["iproute2"] },
  iptables: { program: "iptables", version: ["--version"], debian: ["iptables"] },
  busybox: { program: "busybox", version: ["true"], debian: ["busybox-static"] },
  nginx: { program: "nginx", version: ["-v"], debian: ["nginx-light"] },
  haproxy: { program: "haproxy", version: ["-v"], debian: ["haproxy"] },
  // Before OpenSSH 9.2 it has no such option, says so, and tells its version with it.
  sshd: { program: "sshd", version: ["-V"], exitCodes: [0, 1], accept: /OpenSSH_/, debian: ["openssh-server"] },
  ssh: { program: "ssh", version: ["-V"], debian: ["openssh-client"] },
  registry: { program: "docker-registry", version: ["--version"], debian: ["docker-registry"] },
  /** A command line with `docker stack config`, which Debian 12's has not. */
  stackCli: {
    program: "docker",
    version: ["stack", "config", "--help"],
    accept: /--compose-file/,
    go: { rig: "docker-cli", package: "github.com/docker/cli/cmd/docker", ldflags: CLI_FLAGS },
  },
  compose: {
    program: "docker-compose",
    version: ["version"],
    accept: /v?[2-9]\.\d+\.\d+/,
    folders: pluginFolders,
    go: { rig: "compose", package: "github.com/docker/compose/v2/cmd", ldflags: COMPOSE_FLAGS },
  },
  buildx: {
    program: "docker-buildx",
    version: ["version"],
    accept: /v?\d+\.\d+\.\d+/,
    folders: pluginFolders,
    go: { rig: "buildx", package: "github.com/docker/buildx/cmd/buildx", ldflags: BUILDX_FLAGS },
  },
  buildkitd: {
    program: "buildkitd",
    version: ["--version"],
    accept: /v?0\.(2[5-9]|[3-9]\d)\./,
    go: { rig: "buildkitd", package: "github.com/moby/buildkit/cmd/buildkitd", ldflags: BUILDKIT_FLAGS },
  },
  buildctl: {
    program: "buildctl",
    version: ["--version"],
    accept: /v?0\.(2[5-9]|[3-9]\d)\./,
    go: { rig: "buildkitd", package: "github.com/moby/buildkit/cmd/buildctl", ldflags: BUILDKIT_FLAGS },
  },
  runc: { program: "runc", version: ["--version"], debian: ["runc"] },
  // About eight minutes on two cores.
  trivy: {
    program: "trivy",
    version: ["--version"],
    accept: /^Version: 0\.(7[2-9]|[89]\d)\./m,
    go: {
      rig: "trivy",
      package: "github.com/aquasecurity/trivy/cmd/trivy",
      ldflags: TRIVY_FLAGS,
      experiment: "jsonv2",
    },
  },
  // About two minutes on two cores.
  cosign: {
    program: "cosign",
    version: ["version"],
    accept: /^GitVersion:\s+v2\./m,
    go: { rig: "cosign", package: "github.com/sigstore/cosign/v2/cmd/cosign", ldflags: COSIGN_FLAGS },
  },
  boltWriter: {
    program: "bolt-writer",
    version: ["--version"],
    go: { rig: "trivy-database", package: ".", ldflags: "-s -w" },
  },
  referrersRegistry: {
    program: "referrers-registry",
    version: ["--version"],
    go: { rig: "referrers-registry", package: ".", ldflags: "-s -w" },
  },
  etcd: { program: "etcd", version: ["--version"], debian: ["etcd-server"] },
  containerd: { program: "containerd", version: ["--version"], debian: ["containerd", "runc"] },
  ctr: { program: "ctr", version: ["--version"], debian: ["containerd"] },
  conntrack: { program: "conntrack", version: ["--version"], debian: ["conntrack"] },
  nsenter: { program: "nsenter", version: ["--version"], debian: ["util-linux"] },
  openssl: { program: "openssl", version: ["version"], accept: /OpenSSL [3-9]/, debian: ["openssl"] },
  "cni-bridge": {
    program: "bridge",
    version: [],
    folders: () => ["/opt/cni/bin", "/usr/lib/cni"],
    debian: ["containernetworking-plugins"],
  },
  kubectl: { program: "kubectl", version: ["version", "--client"], go: kubernetes("kubectl") },
  ...kubernetesPrograms(),
} as const satisfies Record<string, ToolRecipe>;

export type Tool = keyof typeof RECIPES;

/**
 * Paths of these tools. The machine's own come first; what is missing is installed from Debian (when root) or built
 * with Go into the cache, once for all processes. Each is proven by running it. Throws `TOOL_MISSING` with all that is
 * missing and how to get it.
 */
export async function ensureTools<const T extends Tool>(tools: readonly T[]): Promise<Record<T, string>> {
  const missing = await without(tools);
  const packages = missing.flatMap((tool) => recipeOf(tool).debian ?? []);
  if (packages.length > 0) await installDebianPackages([...new Set(packages)]);
  for (const tool of missing) {
    const { go, program } = recipeOf(tool);
    if (go !== undefined) await buildWithGo(go, join(await cacheFolder("bin"), program));
  }
  const found = await Promise.all(tools.map(async (tool) => [tool, await findTool(tool)] as const));
  const lost = found.filter(([, path]) => path === undefined).map(([tool]) => tool);
  if (lost.length > 0) throw stillMissing(lost);
  return Object.fromEntries(found) as Record<T, string>;
}

/** What this process has proven already. */
const proven = new Map<Tool, string>();

/** Where a tool is, if it is there and runs. */
export async function findTool(tool: Tool): Promise<string | undefined> {
  const known = proven.get(tool);
  if (known !== undefined) return known;
  const recipe = recipeOf(tool);
  const folders = [...(recipe.folders ?? programFolders)(), await cacheFolder("bin")];
  for (const folder of folders) {
    const path = await findProgram(recipe.program, [folder]);
    if (path === undefined || !(await works(path, recipe))) continue;
    proven.set(tool, path);
    return path;
  }
  return undefined;
}

function recipeOf(tool: Tool): ToolRecipe {
  return RECIPES[tool];
}

async function without(tools: readonly Tool[]): Promise<Tool[]> {
  const paths = await Promise.all(tools.map(findTool));
  return tools.filter((_tool, index) => paths[index] === undefined);
}

async function works(path: string, recipe: ToolRecipe): Promise<boolean> {
  try {
    const { stdout, stderr } = await run(path, recipe.version, {
      deadlineMs: 30_000,
      allowedExitCodes: recipe.exitCodes ?? [0],
    });
    return recipe.accept?.test(stdout + stderr) ?? true;
  } catch (error) {
    if (error instanceof BelayError) return false;
    throw error;
  }
}

function stillMissing(tools: readonly Tool[]): BelayError {
  const names = tools.map((tool) => recipeOf(tool).program).join(", ");
  return new BelayError("TOOL_MISSING", {
    doing: "preparing the test rigs",
    got: `${names} can't be run after set-up, or has another version than the rigs need`,
    next: "Run it by hand to see why, or take it from the PATH so that the rigs get their own.",
  });
}
