import type { AddressInfo } from "node:net";
import fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { authenticate, authorise, loginOf } from "./access.ts";
import { type Answer, Refusal, type Route } from "./answer.ts";
import { type Description, type Operation, readDescription } from "./description.ts";
import { type FaultKind, Faults, STATUS_WORDS } from "./faults.ts";
import { createFiller, type Filler } from "./filler.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";
import { paginate } from "./pagination.ts";
import { createRig, type GitHubRig } from "./rig.ts";
import { ATTESTATION_ROUTES, snap } from "./routes-attestations.ts";
import { COMMENT_ROUTES } from "./routes-comments.ts";
import { DEPLOYMENT_ROUTES } from "./routes-deployments.ts";
import { PACKAGE_ROUTES } from "./routes-packages.ts";
import { REPOSITORY_ROUTES } from "./routes-repository.ts";
import { RUN_ROUTES } from "./routes-runs.ts";
import { SCANNING_ROUTES } from "./routes-scanning.ts";
import { GitHubState, type TokenSeed } from "./state.ts";

const ROUTES: Readonly<Record<string, Route>> = {
  ...ATTESTATION_ROUTES,
  ...COMMENT_ROUTES,
  ...DEPLOYMENT_ROUTES,
  ...PACKAGE_ROUTES,
  ...REPOSITORY_ROUTES,
  ...RUN_ROUTES,
  ...SCANNING_ROUTES,
};

export interface GitHubSimulatorOptions {
  /** `owner/name`. Default `acme/shop`. */
  readonly repository?: string;
  readonly tokens?: readonly TokenSeed[];
  /** Requests that a token may make. Default 5,000. */
  readonly rateLimit?: number;
  /** Address of the web pages that answers name. Default `https://github.com`. */
  readonly serverUrl?: string;
}

/** A request as it came in. */
export interface SeenRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: string;
  readonly body: Json | undefined;
  /** Operation of the description; none for what GitHub does not have. */
  readonly operation: string | undefined;
  /** Status that was sent; none when the connection was cut or nothing was sent. */
  status?: number;
}

/** What the server's parts share. */
export interface Simulator {
  readonly state: GitHubState;
  readonly tokens: Map<string, TokenSeed>;
  readonly faults: Faults;
  readonly requests: SeenRequest[];
  /** Where an answer or an accepted request did not match the description. Tests expect none. */
  readonly violations: string[];
  readonly used: Map<string, number>;
  readonly rateLimit: number;
  readonly fill: Filler;
}

let described: Description | undefined;

/**
 * Starts a GitHub for one repository on a free port of the loopback: stateful, and every request and answer is held
 * against GitHub's own OpenAPI description.
 */
export async function startGitHub(options: GitHubSimulatorOptions = {}): Promise<GitHubRig> {
  described ??= readDescription();
  const repository = options.repository ?? "acme/shop";
  const simulator: Simulator = {
    state: new GitHubState(repository, options.serverUrl ?? "https://github.com"),
    tokens: new Map((options.tokens ?? []).map((seed) => [seed.token, seed])),
    faults: new Faults(),
    requests: [],
    violations: [],
    used: new Map(),
    rateLimit: options.rateLimit ?? 5_000,
    fill: createFiller(described),
  };
  const server = fastify({ logger: false, forceCloseConnections: true, routerOptions: { maxParamLength: 1_000 } });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", { parseAs: "string" }, (_request, text, done) =>
    done(null, parseBody(String(text))),
  );
  for (const operation of described.operations) {
    routeOf(operation); // a description with more than the simulator can do is told at once
    const url = operation.path.replace(/\{(\w+)\}/g, (_all, name: string) =>
      operation.id === "git/get-ref" && name === "ref" ? "*" : `:${name}`,
    );
    server.route({
      method: operation.method,
      url,
      handler: (request, reply) => serve(simulator, operation, request, reply),
    });
  }
  // Where GitHub's own storage would be: the address is secret enough, no token is asked for.
  server.get<{ Params: { id: string } }>("/_storage/:id", async (request, reply) => {
    const artifact = simulator.state.artifacts.get(Number(request.params.id));
    return artifact === undefined
      ? reply.code(404).send()
      : reply.type("application/zip").send(Buffer.from(artifact.archive));
  });
  server.get<{ Params: { id: string } }>("/_storage/attestations/:id", async (request, reply) => {
    const kept = simulator.state.attestations.get(Number.parseInt(request.params.id, 10));
    // As of every storage behind signed addresses: a token that comes along is a mistake.
    if (kept === undefined || request.headers.authorization !== undefined) return reply.code(400).send();
    return reply.type("application/x-snappy").send(snap(JSON.stringify(kept.bundle)));
  });
  server.setNotFoundHandler((request, reply) => serve(simulator, undefined, request, reply));
  await server.listen({ host: "127.0.0.1", port: 0 });
  const { port } = server.server.address() as AddressInfo;
  simulator.state.storageUrl = `http://127.0.0.1:${port}`;
  return createRig(simulator, simulator.state.storageUrl, () => server.close());
}

async function serve(
  simulator: Simulator,
  operation: Operation | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const [path = "", query = ""] = request.url.split("?");
  const body = (request.body ?? undefined) as Json | undefined;
  const seen: SeenRequest = { method: request.method, path, query, body, operation: operation?.id };
  simulator.requests.push(seen);
  const fault = simulator.faults.next(request.method, path);
  if (fault !== undefined && "silent" in fault) return await hang(reply);
  if (fault !== undefined && "cut" in fault && fault.cut === "before") return cut(reply);
  if (fault !== undefined && "slowMs" in fault) await new Promise((resolve) => setTimeout(resolve, fault.slowMs));
  const answer = answerFault(fault, reply) ?? answerRequest(simulator, operation, request, reply);
  if (fault !== undefined && "cut" in fault) return cut(reply);
  seen.status = answer.status;
  if (answer.location !== undefined) reply.header("location", `http://${request.host}${answer.location}`);
  reply.code(answer.status).header("x-github-request-id", `SIM:${simulator.requests.length}`);
  if (answer.body === undefined) await reply.send();
  else await reply.type("application/json; charset=utf-8").send(JSON.stringify(answer.body));
}

/** A body that is no JSON is kept as text, which no description allows. */
function parseBody(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function routeOf(operation: Operation): Route {
  const route = ROUTES[operation.id];
  if (route === undefined) throw new Error(`the GitHub simulator has no route for ${operation.id}`);
  return route;
}

interface Finished {
  readonly status: number;
  readonly body?: Json | undefined;
  /** Where a redirection leads, below the simulator's own address. */
  readonly location?: string;
}

function answerRequest(
  simulator: Simulator,
  operation: Operation | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): Finished {
  try {
    const token = authenticate(request.headers.authorization, simulator.tokens);
    countRequest(simulator, token, reply);
    if (operation === undefined) throw new Refusal(404, "Not Found");
    const finished = perform(simulator, operation, token, request, reply);
    const mistake = operation.answerMistake(finished.status, finished.body);
    if (mistake !== undefined) simulator.violations.push(`${operation.id}: ${mistake}`);
    return finished;
  } catch (error) {
    if (error instanceof Refusal) return refusal(error);
    simulator.violations.push(`${operation?.id ?? request.url}: ${String(error)}`);
    return { status: 500, body: { message: "Server Error" } };
  }
}

function perform(
  simulator: Simulator,
  operation: Operation,
  token: TokenSeed,
  request: FastifyRequest,
  reply: FastifyReply,
): Finished {
  const { state } = simulator;
  const raw = request.params as Record<string, string>;
  const parameters = operation.id === "git/get-ref" ? { ...raw, ref: raw["*"] ?? "" } : raw;
  const asked = `${parameters.owner}/${parameters.repo}`.toLowerCase();
  if (operation.path.startsWith("/repos/") && asked !== state.repository.toLowerCase())
    throw new Refusal(404, "Not Found");
  authorise(token, operation.id);
  const query = new URL(request.url, "http://simulator").searchParams;
  const body = request.body ?? undefined;
  const mistake = operation.requestMistake(query, parameters, body);
  if (mistake !== undefined) throw new Refusal(422, `Invalid request.\n\n${operation.id}: ${mistake}`);
  const route = routeOf(operation);
  const call = {
    state,
    fill: simulator.fill,
    token,
    login: loginOf(token),
    parameters,
    query,
    body: isObject(body) ? body : {},
  };
  return finish(route(call), request, query, reply);
}

function finish(answer: Answer, request: FastifyRequest, query: URLSearchParams, reply: FastifyReply): Finished {
  if ("status" in answer) return answer;
  const page = paginate(answer.list, query, `http://${request.host}${request.url}`, answer.cursors ? "after" : "page");
  if (page.link !== "") reply.header("link", page.link);
  return { status: 200, body: answer.wrap === undefined ? page.items : answer.wrap(page.items, answer.list.length) };
}

/** Rate-limit headers as on every answer of GitHub; a token that used up its requests gets 403. */
function countRequest(simulator: Simulator, token: TokenSeed, reply: FastifyReply): void {
  const used = (simulator.used.get(token.token) ?? 0) + 1;
  simulator.used.set(token.token, used);
  const remaining = Math.max(0, simulator.rateLimit - used);
  limitHeaders(reply, simulator.rateLimit, remaining, 3_600);
  if (used > simulator.rateLimit) throw new Refusal(403, "API rate limit exceeded for installation.");
}

function limitHeaders(reply: FastifyReply, limit: number, remaining: number, resetSeconds: number): void {
  reply.headers({
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(remaining),
    "x-ratelimit-used": String(limit - remaining),
    "x-ratelimit-resource": "core",
    "x-ratelimit-reset": String(Math.floor(Date.now() / 1_000) + resetSeconds),
  });
}

function answerFault(fault: FaultKind | undefined, reply: FastifyReply): Finished | undefined {
  if (fault === undefined) return undefined;
  if ("secondaryLimit" in fault) {
    reply.header("retry-after", String(fault.retryAfterSeconds ?? 1));
    return refusal(
      new Refusal(403, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."),
    );
  }
  if ("rateLimit" in fault) {
    limitHeaders(reply, 5_000, 0, fault.resetSeconds);
    return refusal(new Refusal(403, "API rate limit exceeded for installation."));
  }
  if (!("status" in fault)) return undefined;
  if (fault.retryAfterSeconds !== undefined) reply.header("retry-after", String(fault.retryAfterSeconds));
  return refusal(new Refusal(fault.status, fault.message ?? STATUS_WORDS[fault.status] ?? "Error"));
}

function refusal(error: Refusal): Finished {
  const body: JsonObject = {
    message: error.message,
    ...(error.errors === undefined ? {} : { errors: error.errors }),
    documentation_url: "https://docs.github.com/rest",
    status: String(error.status),
  };
  return { status: error.status, body };
}

function cut(reply: FastifyReply): void {
  reply.hijack();
  reply.raw.socket?.destroy();
}

/** Keeps the request open until the client, or the rig's end, closes the connection. */
function hang(reply: FastifyReply): Promise<void> {
  reply.hijack();
  return new Promise((resolve) => reply.raw.once("close", resolve));
}
