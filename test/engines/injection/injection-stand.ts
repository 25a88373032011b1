import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { createRunner, Redactor } from "@belay/core";
import {
  type AttachedEngine,
  BASE_IMAGES,
  ensureTools,
  type GitHubRig,
  makeBaseImages,
  type RegistryRig,
  startBuildkit,
  startGitHub,
  startRegistry,
  temporaryFolder,
  trivyAtHand,
  useEngine,
} from "@belay/testkit";
import { bundle } from "../../../scripts/bundle.ts";
import { ROOT } from "../../structure/source-files.ts";
import { type Call, makeRecordingTools, readCalls } from "./recording-tools.ts";

const TOKEN = "ghs_injection00000000000000000000000000000";
const PERMISSIONS = {
  contents: "read",
  actions: "read",
  issues: "write",
  deployments: "write",
  "pull-requests": "write",
  "security-events": "write",
} as const;
const PULL_REQUEST = 7;

/** A process has this long; nothing here waits for anything that does not come. */
const ATTEMPT_MS = 150_000;

const PROJECT = ["belay.yaml", "compose.yaml", "Dockerfile", "context", "ignore.txt", "kubeconfig.json", "cosign.pub"];

/** Name of a builder that builds. */
export const REAL_BUILDER = "real";

/** A builder of its own that builds nothing: only what it is asked counts. */
const BUILDER = `case "$1 $2" in "buildx inspect") printf 'Name: own\\nDriver: remote\\n';; buildx*) ;; *) exit 1;; esac`;

const IDLE = ["node", "-e", "setInterval(() => {}, 1e6)"];

/** What a commit and its pull request say, and what its image runs. */
export interface CommitWords {
  readonly message?: string;
  readonly author?: string;
  readonly title?: string;
  readonly login?: string;
  readonly branch?: string;
  readonly command?: readonly string[];
}

export interface AttemptOptions {
  /** As in `dist/`, without `.js`. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Which of the job's steps went before: their release is there. */
  readonly after: "nothing" | "build" | "scan" | "push";
  /** `fake`: builds nothing and says that all went well. Default: the real engine's. */
  readonly docker?: "fake";
  /** Checkout that it runs in. */
  readonly checkout: string;
  /** What started the run. Default: somebody pushed to the main branch. */
  readonly event?: object;
}

export interface Attempt {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Files of commands, as they are. */
  readonly output: string;
  readonly state: string;
  readonly variables: string;
  readonly summary: string;
  readonly calls: readonly Call[];
}

/** One engine, registry, GitHub and repository for all actions: the application runs, and has a release to go back to. */
export class InjectionStand implements AsyncDisposable {
  readonly folder: string;
  readonly repository: string;
  readonly github: GitHubRig;
  readonly registry: RegistryRig;
  /** Made by whatever was obeyed. */
  readonly canaries: string;
  readonly #engine: AttachedEngine;
  readonly #owned: AsyncDisposableStack;
  #env: NodeJS.ProcessEnv = {};
  readonly #commits: string[] = [];
  #runs = 90_000;

  private constructor(
    parts: Pick<InjectionStand, "folder" | "github" | "registry"> & { readonly engine: AttachedEngine },
    owned: AsyncDisposableStack,
  ) {
    this.folder = parts.folder;
    this.github = parts.github;
    this.registry = parts.registry;
    this.repository = join(this.folder, "repository");
    this.canaries = join(this.folder, "canaries");
    this.#engine = parts.engine;
    this.#owned = owned;
  }

  static async open(): Promise<InjectionStand> {
    await using undo = new AsyncDisposableStack();
    const { path: folder } = undo.use(await temporaryFolder("belay-injection"));
    const engine = undo.use(await useEngine({ buildx: true }));
    await makeBaseImages(engine);
    const buildkit = undo.use(await startBuildkit());
    await buildkit.addTo(engine.env, REAL_BUILDER);
    const registry = undo.use(await startRegistry());
    const tokens = [{ token: TOKEN, permissions: PERMISSIONS }];
    const github = await startGitHub({ repository: "acme/shop", tokens, rateLimit: 1_000_000 });
    undo.defer(() => github.close());
    const stand = new InjectionStand({ folder, engine, registry, github }, undo.move());
    try {
      await stand.#prepare();
    } catch (error) {
      await stand[Symbol.asyncDispose]();
      throw error;
    }
    return stand;
  }

  async #prepare(): Promise<void> {
    for (const path of [this.canaries, join(this.repository, "context")]) await mkdir(path, { recursive: true });
    await bundle(ROOT, join(this.folder, "dist"));
    const tools = await ensureTools(["docker"]);
    const trivy = await trivyAtHand(this.folder);
    const git = (await createRunner(new Redactor())("sh", ["-c", "command -v git"])).stdout.trim();
    const real = {
      git: `exec ${git} "$@"`,
      trivy: `exec ${join(trivy.path, "trivy")} "$@"`,
      // Nobody is there, and nobody is asked.
      ssh: "exit 255",
    };
    await makeRecordingTools(join(this.folder, "real"), { ...real, docker: `exec ${tools.docker} "$@"` });
    await makeRecordingTools(join(this.folder, "fake"), { ...real, docker: BUILDER });
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#env = {
      ...this.#engine.env,
      ...trivy.env,
      TRIVY_SKIP_VERSION_CHECK: "true",
      COSIGN_PRIVATE_KEY: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      HOME: this.folder,
    };
    await this.#writeFiles(publicKey.export({ type: "spki", format: "pem" }).toString());
  }

  async #writeFiles(key: string): Promise<void> {
    const rollout = "rollout: { stable: 0s, drain: 0s, start: 60s, deadline: 2m }";
    const files = {
      "belay.yaml": `version: 1
application: shop
services: { web: { image: ${this.registry.address}/acme/web, build: { context: . } } }
environments:
  test:
    target: { kind: compose, files: [compose.yaml] }
    variables: { NOTE: plain }
    ${rollout}
`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose fills it in
      "compose.yaml": 'services:\n  web: { image: web, init: true, environment: { NOTE: "${NOTE}" } }\n',
      Dockerfile: "FROM scratch AS test\n",
      "context/Dockerfile": "FROM scratch AS test\n",
      "ignore.txt": "CVE-2000-0001\n",
      "cosign.pub": key,
      "kubeconfig.json": '{"clusters":[],"users":[],"contexts":[]}',
    };
    for (const [path, text] of Object.entries(files)) await writeFile(join(this.repository, path), text);
    await this.#git("init", "--quiet", "--initial-branch", "main");
  }

  #git(...words: string[]) {
    const identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"];
    return createRunner(new Redactor())("git", [...identity, ...words], { cwd: this.repository });
  }

  /** A commit, and its image on the engine. */
  async commit(name: string, words: CommitWords = {}): Promise<void> {
    const { message = name, author = "a", title = name, login = "ada", branch = "topic", command = IDLE } = words;
    await writeFile(join(this.repository, "name"), name);
    await this.#git("add", ".");
    await this.#git("commit", "--quiet", `--author=${author} <a@b.example>`, "--message", message);
    const sha = (await this.#git("rev-parse", "HEAD")).stdout.trim();
    this.github.addCommit({ sha, message, author: { name: author, email: "a@b.example", login } });
    this.#commits.push(sha);
    const pull = { number: PULL_REQUEST, headSha: sha, title, author: login, headRef: branch };
    this.github.addPull({ ...pull, commits: this.#commits });
    const container = (await this.#engine.docker(["create", BASE_IMAGES.node])).stdout.trim();
    const changes = [
      `ENV VERSION=${name}`,
      `LABEL org.opencontainers.image.revision=${sha}`,
      `CMD ${JSON.stringify(command)}`,
    ];
    const image = this.imageOf(name);
    await this.#engine.docker(["commit", ...changes.flatMap((one) => ["--change", one]), container, image]);
    await this.#engine.docker(["rm", container]);
    this.#owned.defer(async () => void (await this.#engine.docker(["image", "rm", "--force", image])));
    this.#env = { ...this.#env, GITHUB_SHA: sha };
  }

  /** Of a commit, by its name; another one for each test file on an engine that they share. */
  imageOf(name: string): string {
    return `belay-injection-${process.pid}/web:${name}`;
  }

  /** Keeps what the steps of a job left, for attempts that come after them. */
  async keep(job: string, as: "build" | "scan" | "push"): Promise<void> {
    await cp(join(job, "belay"), join(this.folder, "after", as), { recursive: true });
    if (as !== "scan") return;
    const reports = join(job, "belay/scan/json");
    const [report = ""] = await readdir(reports);
    await cp(join(reports, report), join(this.folder, "report.json"));
  }

  newJob(): Promise<string> {
    return mkdtemp(join(this.folder, "job-"));
  }

  /** A checkout for one who tries things out. */
  async checkOut(name: string): Promise<string> {
    const folder = join(this.folder, name);
    await cp(this.repository, folder, { recursive: true });
    // Files that are tried out don't make it another build.
    await mkdir(join(folder, ".git/info"), { recursive: true });
    await writeFile(join(folder, ".git/info/exclude"), "*\n");
    return folder;
  }

  /** Makes what a path in a checkout names: a copy of a file of the repository, or of all of it. */
  async makePath(checkout: string, path: string, copyOf: string): Promise<void> {
    const to = resolve(checkout, path.trim());
    await mkdir(dirname(to), { recursive: true });
    const names = copyOf === "." ? [...PROJECT, ".git"] : [""];
    const from = copyOf === "." ? checkout : join(this.repository, copyOf);
    for (const name of names) await cp(join(from, name), join(to, name), { recursive: true });
    // What it names beside itself.
    if (copyOf === "belay.yaml") await cp(join(this.repository, "compose.yaml"), join(dirname(to), "compose.yaml"));
  }

  /** Takes away what is no part of a checkout. */
  async tidy(checkout: string): Promise<void> {
    const own = await readdir(this.repository);
    const foreign = (await readdir(checkout)).filter((name) => !own.includes(name));
    for (const name of foreign) await rm(join(checkout, name), { recursive: true });
  }

  /** Runs a built entry as a step of a job. */
  async run(options: AttemptOptions, job?: string): Promise<Attempt> {
    const folder = job ?? (await this.newJob());
    if (options.after !== "nothing") {
      await cp(join(this.folder, "after", options.after), join(folder, "belay"), { recursive: true });
    }
    const names = { GITHUB_OUTPUT: "output", GITHUB_STATE: "state", GITHUB_ENV: "env", GITHUB_PATH: "path" };
    const paths = { ...names, GITHUB_STEP_SUMMARY: "summary", BELAY_TEST_CALLS: "calls" };
    const files = Object.fromEntries(Object.entries(paths).map(([name, file]) => [name, join(folder, file)]));
    for (const file of Object.values(files)) await writeFile(file, "");
    const tools = join(this.folder, options.docker ?? "real");
    const env = {
      ...(await this.#runnerEnv(folder, options.event)),
      ...files,
      PATH: `${tools}:${process.env.PATH}`,
      // Of a builder that is faked buildx has kept nothing: it must be asked.
      ...(options.docker === "fake" ? { BUILDX_CONFIG: join(this.folder, "never-ran") } : {}),
      ...options.env,
    };
    const ended = await runNode([join(this.folder, "dist", `${options.entry}.js`), ...(options.args ?? [])], {
      env,
      cwd: options.checkout,
    });
    const read = (name: string): Promise<string> => readFile(files[name] ?? "", "utf8");
    return {
      ...ended,
      output: await read("GITHUB_OUTPUT"),
      state: await read("GITHUB_STATE"),
      variables: (await read("GITHUB_ENV")) + (await read("GITHUB_PATH")),
      summary: await read("GITHUB_STEP_SUMMARY"),
      calls: await readCalls(files.BELAY_TEST_CALLS ?? ""),
    };
  }

  async #runnerEnv(folder: string, payload: object | undefined): Promise<NodeJS.ProcessEnv> {
    const event = join(folder, "event.json");
    const pushed = { ref: "refs/heads/main", after: this.sha, sender: { login: "ada" } };
    await writeFile(event, JSON.stringify(payload ?? pushed));
    return {
      ...this.#env,
      GITHUB_ACTIONS: "true",
      GITHUB_API_URL: this.github.apiUrl,
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_REPOSITORY: this.github.repository,
      GITHUB_EVENT_NAME: "push",
      GITHUB_EVENT_PATH: event,
      GITHUB_REF: "refs/heads/main",
      GITHUB_RUN_ID: String(++this.#runs),
      GITHUB_RUN_ATTEMPT: "1",
      GITHUB_JOB: "test",
      RUNNER_TEMP: folder,
      // The same code is read a thousand times.
      NODE_COMPILE_CACHE: join(this.folder, "compiled"),
    };
  }

  /** Of the last commit. */
  get sha(): string {
    return this.#commits.at(-1) ?? "";
  }

  docker(...given: Parameters<AttachedEngine["docker"]>): ReturnType<AttachedEngine["docker"]> {
    return this.#engine.docker(...given);
  }

  get token(): string {
    return TOKEN;
  }

  /** Whatever was ever written for people on GitHub. */
  told(): string[] {
    return this.github.requests.flatMap(({ body }) => {
      const text = typeof body === "object" && body !== null && "body" in body ? body.body : undefined;
      return typeof text === "string" ? [text] : [];
    });
  }

  /** Takes a project off the engine. */
  onEnd(project: string): void {
    this.#owned.defer(async () => {
      const label = `label=com.docker.compose.project=${project}`;
      await this.#engine.docker(["stack", "rm", project], { allowedExitCodes: [0, 1] });
      for (const [list, remove] of [
        [
          ["ps", "--all"],
          ["rm", "--force"],
        ],
        [
          ["network", "ls"],
          ["network", "rm"],
        ],
      ] as const) {
        const { stdout } = await this.#engine.docker([...list, "--quiet", "--filter", label]);
        const ids = stdout.split("\n").filter((id) => id !== "");
        if (ids.length > 0) await this.#engine.docker([...remove, ...ids]);
      }
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }
}

function runNode(args: readonly string[], place: { readonly env: NodeJS.ProcessEnv; readonly cwd: string }) {
  return new Promise<Pick<Attempt, "exitCode" | "stdout" | "stderr">>((done, failed) => {
    const child = spawn(process.execPath, args, { ...place, stdio: ["ignore", "pipe", "pipe"], timeout: ATTEMPT_MS });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.once("error", failed);
    child.once("close", (exitCode) => done({ exitCode, stdout, stderr }));
  });
}
