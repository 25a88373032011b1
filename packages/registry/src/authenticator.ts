import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { BelayError, messageOf, type Redactor, type Runner } from "@belay/core";
import type { RegistryAuth } from "@belay/docker";

/** Credentials for one registry. Every secret value in it is already known to the redactor. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** In place of a password: an OAuth2 refresh token (`docker login` with `identitytoken`). */
  readonly identityToken?: string;
  /** Where they came from, for messages: `the docker config`, `docker-credential-gcloud`, `GITHUB_TOKEN`. */
  readonly from: string;
}

export interface Authenticator {
  /** `undefined`: nobody logged in to this registry. `registry` as in a reference: `docker.io`, `127.0.0.1:5000`. */
  credentialsFor(registry: string): Promise<Credentials | undefined>;
  /** The same, as the Engine API takes it with a push or pull (`X-Registry-Auth`). */
  engineAuth(registry: string): Promise<RegistryAuth | undefined>;
}

export interface AuthenticatorOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly runner: Runner;
  readonly redactor: Redactor;
}

interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

interface AuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}

/** Key of Docker Hub in config files and helpers (docker/cli, `registry.IndexServer`). */
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";
/** A helper answers this user name when the secret is an identity token (docker-credential-helpers). */
const TOKEN_USER = "<token>";
const DOING = "reading the registry credentials";

/**
 * Credentials as the docker command line finds them: `config.json` in `DOCKER_CONFIG` or `~/.docker`, its `credHelpers`,
 * `credsStore` and `auths`. For `ghcr.io`, github.com's `GITHUB_TOKEN` when there are no others. Each registry is asked for once.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const found = new Map<string, Promise<Credentials | undefined>>();
  const credentialsFor = (registry: string): Promise<Credentials | undefined> => {
    const known = found.get(registry) ?? find(options, registry);
    found.set(registry, known);
    return known;
  };
  return {
    credentialsFor,
    engineAuth: async (registry) => {
      const credentials = await credentialsFor(registry);
      if (credentials === undefined) return undefined;
      const serveraddress = registry === "docker.io" ? DOCKER_HUB_KEY : registry;
      const { username, password, identityToken } = credentials;
      return identityToken === undefined
        ? { username, password, serveraddress }
        : { username, identitytoken: identityToken, serveraddress };
    },
  };
}

async function find(options: AuthenticatorOptions, registry: string): Promise<Credentials | undefined> {
  const config = await readConfig(options.env);
  const key = registry === "docker.io" ? DOCKER_HUB_KEY : registry;
  const helper = helperFor(config, registry, key);
  const credentials =
    (helper === undefined ? undefined : await askHelper(options, helper, key)) ??
    fromEntry(entryFor(config, registry), `the docker config's entry for ${registry}`) ??
    fromGitHub(options.env, registry);
  for (const secret of [credentials?.password, credentials?.identityToken]) {
    if (secret !== undefined && secret !== "") options.redactor.add(secret);
  }
  if (credentials !== undefined && credentials.password !== "") {
    // The form in which Basic authentication and the engine carry it.
    options.redactor.add(Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64"));
  }
  return credentials;
}

async function readConfig(env: AuthenticatorOptions["env"]): Promise<DockerConfig> {
  const folder = env.DOCKER_CONFIG || join(env.HOME || homedir(), ".docker");
  const path = join(folder, "config.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new BelayError("INVALID_INPUT", { doing: DOING, got: messageOf(error), cause: error });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // The parser's message quotes the text, and the text holds passwords: only the fact is told.
  }
  const next = "Run `docker login` again, or correct the file.";
  throw new BelayError("INVALID_INPUT", { doing: DOING, got: `${path} is no JSON object`, next });
}

function helperFor(config: DockerConfig, registry: string, key: string): string | undefined {
  const own = config.credHelpers?.[registry] ?? config.credHelpers?.[key];
  return own ?? (config.credsStore === "" ? undefined : config.credsStore);
}

/** Keys were written in several forms over the years: with a scheme, with `/v1/` or `/v2/` (docker/cli `ConvertToHostname`). */
function entryFor(config: DockerConfig, registry: string): AuthEntry | undefined {
  const names = registry === "docker.io" ? ["index.docker.io", "docker.io", "registry-1.docker.io"] : [registry];
  const entries = Object.entries(config.auths ?? {});
  return entries.find(([key]) => names.includes(key.replace(/^https?:\/\//, "").split("/")[0] ?? ""))?.[1];
}

function fromEntry(entry: AuthEntry | undefined, from: string): Credentials | undefined {
  if (entry === undefined) return undefined;
  const [username, password] = userAndPassword(entry);
  const identityToken = entry.identitytoken ?? "";
  if (identityToken !== "") return { username, password, identityToken, from };
  return username === "" && password === "" ? undefined : { username, password, from };
}

function userAndPassword(entry: AuthEntry): [string, string] {
  const text = Buffer.from(entry.auth ?? "", "base64")
    .toString("utf8")
    .replace(/\0+$/, "");
  const colon = text.indexOf(":");
  return colon < 0 ? [entry.username ?? "", entry.password ?? ""] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** The token of another server than github.com is none of ghcr.io's business, which would refuse it where nobody needs one. */
function fromGitHub(env: AuthenticatorOptions["env"], registry: string): Credentials | undefined {
  const password = env.GITHUB_TOKEN ?? "";
  const foreign = (env.GITHUB_SERVER_URL || "https://github.com") !== "https://github.com";
  if (registry !== "ghcr.io" || foreign || password === "") return undefined;
  return { username: env.GITHUB_ACTOR || "x-access-token", password, from: "GITHUB_TOKEN" };
}

/** docker-credential-helpers protocol: `get`, the server on stdin, JSON on stdout; exit code 1 with a text when unknown. */
async function askHelper(
  { runner, env }: AuthenticatorOptions,
  helper: string,
  key: string,
): Promise<Credentials | undefined> {
  const tool = `docker-credential-${helper}`;
  const doing = `asking ${tool} for ${key}`;
  if (!/^[\w.-]+$/.test(helper)) {
    throw new BelayError("INVALID_INPUT", { doing: DOING, got: `${JSON.stringify(helper)} is no helper's name` });
  }
  const path = env.PATH === undefined ? {} : { env: { PATH: env.PATH } };
  const result = await runner(tool, ["get"], { input: key, doing, allowedExitCodes: [1], deadlineMs: 60_000, ...path });
  if (result.exitCode !== 0) return refusedByHelper(`${result.stdout}\n${result.stderr}`, tool, doing);
  const answer = parseAnswer(result.stdout);
  if (answer === undefined) {
    const got = "it answered something that is not the credential helpers' JSON";
    throw new BelayError("REGISTRY_UNAUTHORISED", { doing, got, next: `Try \`${tool} get\` by hand.` });
  }
  const { Username: username, Secret: secret } = answer;
  if (username === TOKEN_USER) return { username, password: "", identityToken: secret, from: tool };
  return { username, password: secret, from: tool };
}

function refusedByHelper(output: string, tool: string, doing: string): undefined {
  if (/credentials not found|no credentials server URL|not implemented/i.test(output)) return undefined;
  throw new BelayError("REGISTRY_UNAUTHORISED", {
    doing,
    got: `it ended with exit code 1 and said: ${output.trim().split("\n")[0] ?? ""}`,
    next: `Log in again with the tool that ${tool} belongs to.`,
  });
}

function parseAnswer(text: string): { readonly Username: string; readonly Secret: string } | undefined {
  try {
    const value = JSON.parse(text) as { Username?: unknown; Secret?: unknown } | null;
    if (typeof value?.Username !== "string" || typeof value.Secret !== "string") return undefined;
    return { Username: value.Username, Secret: value.Secret };
  } catch {
    // As above: the text may hold a secret, so the parser's message is not shown.
    return undefined;
  }
}
