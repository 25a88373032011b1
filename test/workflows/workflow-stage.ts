import { cp, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createRunner, Redactor } from "@belay/core";
import {
  BASE_IMAGES,
  checkOutSuite,
  createRepository,
  type EngineEdition,
  type EngineRig,
  ensureTools,
  freePort,
  type GitHubRig,
  localActions,
  makeBaseImages,
  type RegistryRig,
  runWorkflow,
  type SuiteCheckout,
  startEngine,
  startGitHub,
  startRegistry,
  type ThrowawayRepository,
  type TokenSeed,
  type TrivyAtHand,
  temporaryFolder,
  trivyAtHand,
  type WorkflowRun,
  waitUntil,
} from "@belay/testkit";
import { ROOT } from "../structure/source-files.ts";

export const EXAMPLE = join(ROOT, "examples/shop");
/** Trivy may have to be built first, and others may have the processors meanwhile. */
export const STAGE_MS = 45 * 60_000;
/** What a job's GITHUB_TOKEN may do when the job asks for what the example asks for. */
export const TOKEN = "ghs_workflowtest00000000000000000000000000";
export const PERMISSIONS: TokenSeed["permissions"] = {
  contents: "read",
  deployments: "write",
  "pull-requests": "write",
  "security-events": "write",
};

/** What `docker ps` and `docker inspect` show of the service `web`. */
export interface Seen {
  readonly ids: readonly string[];
  /** `repository@sha256:…` of the running containers, each once. */
  readonly images: readonly string[];
  /** The commits that the images' labels name. */
  readonly commits: readonly string[];
}

export interface Typed {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** A service in the JSON of `belay status`. */
export interface TypedStatus {
  readonly service: string;
  readonly image: string;
  readonly revision: string;
  readonly digests: readonly string[];
  readonly ready: number;
  readonly desired: number;
  readonly since: string;
  readonly health: Readonly<Record<string, number>>;
  readonly source: { readonly revision: string };
  readonly by: string;
  readonly deployment: number;
  readonly rolledBackTo?: number;
}

export interface RunRequest {
  readonly workflow: string;
  readonly eventName: "push" | "pull_request" | "workflow_dispatch";
  readonly event: object;
  /** Default: {@link TOKEN}. */
  readonly token?: string;
  /** Folder of a cache service; default: there is none. */
  readonly cache?: string;
  /** Base image of the shop's web. Default: the engine's own. */
  readonly base?: string;
  /** Stand-ins of actions that the workflow's own actions use: `"owner/name@commit": folder`. */
  readonly actions?: Readonly<Record<string, string>>;
  /** Of every step, beside what the stage gives. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface StageOptions {
  /** Folder of `examples/`. One without an application gets the shop's. Default: the shop. */
  readonly example?: "shop" | "swarm" | "kubernetes";
  /** Of the repository, beside those that every job has. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Of the engine. Default: this test run's. */
  readonly edition?: EngineEdition;
}

/**
 * An example in a repository of its own, with a real engine, a real registry that wants a login, and a GitHub. The engine
 * is a new one: the example's compose project has a fixed name.
 */
export class WorkflowStage implements AsyncDisposable {
  readonly engine: EngineRig;
  readonly registry: RegistryRig;
  readonly github: GitHubRig;
  readonly repository: ThrowawayRepository;
  readonly #suite: SuiteCheckout;
  readonly #trivy: TrivyAtHand;
  readonly #secrets: Readonly<Record<string, string>>;
  readonly #port: number;
  readonly #owned: AsyncDisposableStack;
  #runs = 4_200;

  private constructor(
    parts: Pick<WorkflowStage, "engine" | "registry" | "github" | "repository">,
    {
      suite,
      trivy,
      secrets = {},
    }: { readonly suite: SuiteCheckout; readonly trivy: TrivyAtHand } & Pick<StageOptions, "secrets">,
    port: number,
    owned: AsyncDisposableStack,
  ) {
    this.engine = parts.engine;
    this.registry = parts.registry;
    this.github = parts.github;
    this.repository = parts.repository;
    this.#suite = suite;
    this.#trivy = trivy;
    this.#secrets = secrets;
    this.#port = port;
    this.#owned = owned;
  }

  static async open({ example = "shop", secrets, edition }: StageOptions = {}): Promise<WorkflowStage> {
    await using undo = new AsyncDisposableStack();
    const engine = undo.use(await startEngine({ buildx: true, ...(edition && { edition }) }));
    await makeBaseImages(engine);
    const registry = undo.use(await startRegistry({ auth: { user: "ada", password: TOKEN } }));
    const tokens = [{ token: TOKEN, permissions: PERMISSIONS }];
    const github = undo.adopt(await startGitHub({ repository: "acme/shop", tokens }), (one) => one.close());
    const from = join(ROOT, "examples", example);
    const repository = undo.adopt(await createRepository({ slug: "acme/shop", from }), (one) => one.remove());
    await cp(join(EXAMPLE, "web"), join(repository.folder, "web"), { recursive: true });
    const database = undo.adopt(await temporaryFolder("belay-workflow-trivy"), (one) => one.remove());
    const trivy = await trivyAtHand(database.path);
    const suite = undo.adopt(await checkOutSuite(), (one) => one.remove());
    const parts = { engine, registry, github, repository };
    return new WorkflowStage(parts, { suite, trivy, ...(secrets && { secrets }) }, await freePort(), undo.move());
  }

  /** Trivy's cache, with a database. */
  get trivyCache(): string {
    return this.#trivy.env.TRIVY_CACHE_DIR ?? "";
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }

  /** Commits the example with one of the shop's files changed; the commit is the head of the pull request. */
  commit(pullRequest: number, title: string, path: string, change: (text: string) => string): Promise<string> {
    return this.commitFiles(pullRequest, title, { [path]: change });
  }

  /** The same with several files: the shop's, changed, or new ones. */
  async commitFiles(
    pullRequest: number,
    title: string,
    files: Readonly<Record<string, string | ((text: string) => string)>>,
  ): Promise<string> {
    const written = Object.entries(files).map(async ([path, content]) => {
      const text = typeof content === "string" ? content : content(await readFile(join(EXAMPLE, path), "utf8"));
      return [path, text] as const;
    });
    const sha = await this.repository.commit(title, Object.fromEntries(await Promise.all(written)));
    const author = { name: "Ada Lovelace", email: "ada@example.org", login: "ada" };
    this.github.addCommit({ sha, message: title, author });
    this.github.addPull({ number: pullRequest, headSha: sha, title, author: "ada", state: "open" });
    return sha;
  }

  /** Runs a workflow of the repository as GitHub does on an event. */
  async run(request: RunRequest): Promise<WorkflowRun> {
    const text = await this.#workflow(request.workflow);
    const base = request.base === undefined ? {} : { BASE: request.base };
    const variables = Object.entries({ ...this.variables, ...base }).map(([name, value]) => `${name}=${value}`);
    const repository = { full_name: "acme/shop", name: "shop", default_branch: "main", owner: { login: "acme" } };
    return runWorkflow({
      workflow: request.workflow,
      eventName: request.eventName,
      event: { repository, sender: { login: "ada", type: "User" }, ...request.event },
      repositoryFolder: this.repository.folder,
      secrets: { GITHUB_TOKEN: request.token ?? TOKEN, REGISTRY_PASSWORD: TOKEN, ...this.#secrets },
      variables: { REGISTRY: this.registry.address, BELAY_VARIABLES: variables.join("\n") },
      env: {
        GITHUB_RUN_ID: String(++this.#runs),
        DOCKER_HOST: this.engine.env.DOCKER_HOST ?? "",
        DOCKER_CONFIG: this.engine.env.DOCKER_CONFIG ?? "",
        ...this.#trivy.env,
        ...request.env,
      },
      ...(request.cache === undefined ? {} : { cache: request.cache }),
      path: [dirname((await ensureTools(["docker"])).docker), this.#trivy.path],
      github: { url: this.github.apiUrl },
      localRepositories: { ...localActions(text, this.#suite.folder), ...request.actions },
    });
  }

  /** A workflow of the repository, with those of the repository that it calls. */
  async #workflow(path: string): Promise<string> {
    const text = await readFile(join(this.repository.folder, path), "utf8");
    const called = [...text.matchAll(/\buses: \.\/(\S+\.yml)/g)].map(([, name = ""]) => this.#workflow(name));
    return [text, ...(await Promise.all(called))].join("\n");
  }

  /** The bundled command line, as somebody types it in a clone of the repository. Exit codes are for the caller to judge. */
  async belay(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Typed> {
    const variables = Object.entries(this.variables).flatMap(([name, value]) => ["--variables", `${name}=${value}`]);
    const cli = join(ROOT, "dist/cli/index.js");
    const all = [cli, ...args, "--environment", "staging", ...variables];
    const { stdout, stderr, exitCode } = await createRunner(new Redactor())(process.execPath, all, {
      doing: `belay ${args.join(" ")}`,
      cwd: this.repository.folder,
      env: { ...this.engine.env, ...this.#trivy.env, ...env },
      allowedExitCodes: [0, 2, 3, 4, 5],
    });
    return { stdout, stderr, exitCode };
  }

  /** What `belay status` says of the service `web`, for programs and for people. */
  async status(
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly web: TypedStatus; readonly text: string }> {
    const [json, text] = [await this.belay(["status", "--json"], env), await this.belay(["status"], env)];
    const { services } = JSON.parse(json.stdout) as { services: readonly TypedStatus[] };
    const web = services.find(({ service }) => service === "web");
    if (web === undefined) throw new Error(`belay status knows no web: ${json.stdout} ${json.stderr}`);
    return { web, text: text.stdout };
  }

  /** What the example's `belay.yaml` is given here. */
  get variables(): Readonly<Record<string, string>> {
    return {
      REGISTRY: this.registry.address,
      BASE: BASE_IMAGES.node,
      PROXY_IMAGE: BASE_IMAGES.haproxy,
      PORT: String(this.#port),
    };
  }

  /** The commits that the labels of images say, which were built on this engine. */
  async commitsOf(images: readonly string[]): Promise<string[]> {
    const format = '{{index .Config.Labels "org.opencontainers.image.revision"}}';
    const { stdout } = await this.engine.docker(["image", "inspect", "--format", format, ...images]);
    return stdout.split("\n").filter((line) => line !== "");
  }

  async lookFromOutside(): Promise<Seen> {
    const labels = ["com.docker.compose.project=shop", "com.docker.compose.service=web"];
    const filters = labels.flatMap((label) => ["--filter", `label=${label}`]);
    const { stdout } = await this.engine.docker(["ps", "--quiet", "--no-trunc", ...filters]);
    const ids = stdout.split("\n").filter((line) => line !== "");
    const inspected = ids.length === 0 ? "[]" : (await this.engine.docker(["inspect", ...ids])).stdout;
    const containers = JSON.parse(inspected) as { Config: { Image: string; Labels: Record<string, string> } }[];
    return {
      ids: ids.sort(),
      images: [...new Set(containers.map((one) => one.Config.Image))],
      commits: [...new Set(containers.map((one) => one.Config.Labels["org.opencontainers.image.revision"] ?? ""))],
    };
  }

  /** What a visitor gets through the proxy, as soon as it answers. */
  async visit(): Promise<string> {
    let page = "";
    const answers = async (): Promise<boolean> => {
      const answer = await fetch(`http://127.0.0.1:${this.#port}/`).catch(() => undefined);
      page = (await answer?.text()) ?? "";
      return answer?.status === 200;
    };
    await waitUntil("the shop answers", answers, { withinMs: 20_000 });
    return page;
  }

  /** The newest status of each GitHub deployment, the oldest deployment first. */
  states(): (string | undefined)[] {
    return this.github.deployments("staging").map((deployment) => deployment.statuses.at(-1)?.state);
  }
}
