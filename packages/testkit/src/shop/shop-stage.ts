import { join } from "node:path";
import { type GitHubRig, startGitHub } from "../github/index.ts";
import {
  type AttachedEngine,
  BASE_IMAGES,
  freePort,
  makeBaseImages,
  type RegistryRig,
  startRegistry,
  type TemporaryFolder,
  temporaryFolder,
  useEngine,
} from "../rig/index.ts";
import { makeShopRepository, type ShopRepository } from "./shop-repository.ts";

export const SHOP_TOKEN = "ghs_shop0000000000000000000000000000000000";
export const SHOP_PULL_REQUEST = 7;
const REPOSITORY = "acme/shop";
const PERMISSIONS = {
  contents: "read",
  deployments: "write",
  "pull-requests": "write",
  issues: "write",
  actions: "read",
} as const;

/** The example shop with everything it needs: an engine, a registry, a GitHub, a git repository with one commit. */
export interface ShopStage extends AsyncDisposable {
  readonly engine: AttachedEngine;
  readonly registry: RegistryRig;
  readonly github: GitHubRig;
  readonly repository: ShopRepository;
  readonly example: ShopExample;
  /** Compose project or stack, unlike any other's on the engine. */
  readonly project: string;
  /** Environment variables of each run, beside those that every runner has. */
  readonly secrets: Readonly<Record<string, string>>;
  /** What belay.yaml's environment needs here: registry, base images, the proxy's port. */
  readonly variables: Readonly<Record<string, string>>;
  /** Where the proxy answers. */
  readonly url: string;
  readonly port: number;
  readonly temporary: TemporaryFolder;
}

/** Folder of `examples/`: on an engine by itself, or on a swarm. */
export type ShopExample = "shop" | "swarm";

export interface ShopOptions {
  /** One that runs already, a manager for the example `swarm`; it is not stopped with the stage. */
  readonly engine?: AttachedEngine;
  /** Default `shop`. */
  readonly example?: ShopExample;
  readonly secrets?: Readonly<Record<string, string>>;
}

export async function openShop(options: ShopOptions = {}): Promise<ShopStage> {
  const { example = "shop", secrets = {} } = options;
  await using undo = new AsyncDisposableStack();
  const temporary = undo.use(await temporaryFolder("belay-shop"));
  const engine = options.engine ?? undo.use(await useEngine({ buildx: true }));
  const registry = undo.use(await startRegistry());
  await makeBaseImages(engine);
  const github = await startGitHub({
    repository: REPOSITORY,
    tokens: [{ token: SHOP_TOKEN, permissions: PERMISSIONS }],
  });
  undo.defer(() => github.close());
  const origin = `https://github.com/${REPOSITORY}.git`;
  const repository = await makeShopRepository(join(temporary.path, "shop"), origin, example);
  const port = await freePort();
  const variables = {
    REGISTRY: registry.address,
    BASE: BASE_IMAGES.node,
    PROXY_IMAGE: BASE_IMAGES.haproxy,
    PORT: String(port),
  };
  const project = `shop${port}`;
  undo.defer(() => (example === "swarm" ? removeStack : removeProject)(engine, project));
  const owned = undo.move();
  return {
    engine,
    registry,
    github,
    repository,
    example,
    project,
    secrets,
    variables,
    url: `http://127.0.0.1:${port}/`,
    port,
    temporary,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Containers, networks and the ledger's volumes of a project, on an engine that may stay. */
async function removeProject(engine: AttachedEngine, project: string): Promise<void> {
  const label = `label=com.docker.compose.project=${project}`;
  const containers = (await engine.docker(["ps", "--all", "--quiet", "--filter", label])).stdout
    .split("\n")
    .filter(Boolean);
  if (containers.length > 0) await engine.docker(["rm", "--force", ...containers]);
  const networks = (await engine.docker(["network", "ls", "--quiet", "--filter", label])).stdout
    .split("\n")
    .filter(Boolean);
  if (networks.length > 0) await engine.docker(["network", "rm", ...networks]);
}

async function removeStack(engine: AttachedEngine, stack: string): Promise<void> {
  await engine.docker(["stack", "rm", stack], { allowedExitCodes: [0, 1] });
}
