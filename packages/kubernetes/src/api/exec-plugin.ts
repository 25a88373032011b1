import { delimiter } from "node:path";
import { BelayError, type Redactor, type Runner, tail } from "@belay/core";

/** `users[].user.exec` of a kubeconfig (client-go, `clientcmd/api/v1`, `ExecConfig`). */
export interface ExecPlugin {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  /** What a person can do when the program is not there. */
  readonly installHint?: string;
  readonly interactiveMode?: "Never" | "IfAvailable" | "Always";
  readonly provideClusterInfo?: boolean;
}

/** What lets somebody in. */
export interface Credential {
  readonly token?: string;
  /** PEM, both or none. */
  readonly certificate?: string;
  readonly key?: string;
  /** Wall clock, milliseconds since 1970. None: it is good until the API server says no. */
  readonly expiresAt?: number;
}

export interface ExecPluginPorts {
  readonly runner: Runner;
  readonly redactor: Redactor;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `spec.cluster` of what a plugin is told, if it wants to know. */
  readonly cluster: Readonly<Record<string, unknown>>;
}

const DEADLINE_MS = 60_000;
const VERSIONS = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
/** A failure is told by what the program wrote on stderr: its stdout may hold a credential. */
const EVERY_EXIT_CODE = Array.from({ length: 256 }, (_, code) => code);
const SECRET_NAME = /token|secret|password|passwd|credential|api_?key|access_?key/i;

/**
 * Runs a credential plugin (EKS, GKE, AKS, …) as kubectl does, without a terminal, and remembers its secrets for redaction.
 * @throws BelayError ENGINE_FORBIDDEN when it fails or answers with no credential, TOOL_MISSING when it is not there.
 */
export async function runExecPlugin(plugin: ExecPlugin, ports: ExecPluginPorts): Promise<Credential> {
  const { command = "", apiVersion = "", args } = plugin;
  const doing = `getting a credential from ${command || "the credential plugin"}`;
  const failure = refusal(plugin);
  if (failure !== undefined) throw failed(doing, failure, "Correct `exec` of the kubeconfig's user.");
  const result = await started(plugin, doing, () =>
    ports.runner(command, args ?? [], {
      env: environmentOf(plugin, ports),
      deadlineMs: DEADLINE_MS,
      doing,
      allowedExitCodes: EVERY_EXIT_CODE,
    }),
  );
  const answer = parsed(result.stdout);
  const credential = credentialIn(answer?.status, ports.redactor);
  const said = tail(result.stderr, 12).join("\n").trim();
  const words = said === "" ? "and wrote nothing on stderr" : `and wrote on stderr:\n${ports.redactor.redact(said)}\n`;
  if (result.exitCode !== 0) {
    throw failed(
      doing,
      `it ended with exit code ${result.exitCode} ${words}`,
      "Run `kubectl get pods` to see the same.",
    );
  }
  const wrong = problemOf(answer, apiVersion, credential);
  if (wrong === undefined) return credential;
  throw failed(doing, `${wrong} (it ended with exit code 0 ${words.trimEnd()})`, "Update the plugin.");
}

function refusal({ command, apiVersion = "", interactiveMode }: ExecPlugin): string | undefined {
  if (command === undefined || command === "") return "the kubeconfig names no command";
  if (!VERSIONS.includes(apiVersion)) {
    return `its apiVersion is ${JSON.stringify(apiVersion)}; legal values: ${VERSIONS.join(", ")}`;
  }
  if (interactiveMode !== "Always") return undefined;
  return "the kubeconfig says `interactiveMode: Always`, and there is no terminal here";
}

function environmentOf({ apiVersion, env, provideClusterInfo }: ExecPlugin, ports: ExecPluginPorts) {
  const inherited = Object.entries(ports.env).filter((one): one is [string, string] => one[1] !== undefined);
  for (const { name, value } of env ?? []) if (SECRET_NAME.test(name)) ports.redactor.add(value);
  const spec = { interactive: false, ...(provideClusterInfo ? { cluster: ports.cluster } : {}) };
  return {
    ...Object.fromEntries(inherited),
    ...Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
    KUBERNETES_EXEC_INFO: JSON.stringify({ apiVersion, kind: "ExecCredential", spec }),
  };
}

/** A program that is not there is told with the hint that whoever wrote the kubeconfig has left for this. */
async function started<T>({ command = "", installHint }: ExecPlugin, doing: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof BelayError) || error.code !== "TOOL_MISSING") throw error;
    const where = command.includes("/") ? "" : ` on the PATH (${(process.env.PATH ?? "").split(delimiter).join(", ")})`;
    throw new BelayError("TOOL_MISSING", {
      doing,
      got: `there is no program ${command}${where} that can be started`,
      next: installHint?.trim() || `Install ${command}, or put it on the PATH of this machine.`,
      cause: error,
    });
  }
}

interface Answer {
  readonly kind?: unknown;
  readonly apiVersion?: unknown;
  readonly status?: {
    readonly token?: unknown;
    readonly clientCertificateData?: unknown;
    readonly clientKeyData?: unknown;
    readonly expirationTimestamp?: unknown;
  };
}

function parsed(text: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    // Told by whoever needs an answer; the text itself may hold a credential.
    return undefined;
  }
}

function credentialIn(status: Answer["status"], redactor: Redactor): Credential {
  const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
  const [token, key] = [text(status?.token), text(status?.clientKeyData)];
  for (const secret of [token, key]) if (secret !== undefined) redactor.add(secret);
  const certificate = text(status?.clientCertificateData);
  const expiresAt = Date.parse(text(status?.expirationTimestamp) ?? "");
  return {
    ...(token === undefined ? {} : { token }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
    ...(Number.isNaN(expiresAt) ? {} : { expiresAt }),
  };
}

function problemOf(answer: Answer | undefined, apiVersion: string, credential: Credential): string | undefined {
  if (answer === undefined) return "its answer is no JSON object";
  if (answer.kind !== "ExecCredential" || answer.apiVersion !== apiVersion) {
    const what = JSON.stringify([answer.apiVersion, answer.kind]);
    return `its answer is ${what}, and not ${JSON.stringify([apiVersion, "ExecCredential"])}`;
  }
  if ((credential.certificate === undefined) !== (credential.key === undefined)) {
    return "its answer has one of client certificate and key, without the other";
  }
  const isEmpty = credential.token === undefined && credential.certificate === undefined;
  return isEmpty ? "its answer has neither a token nor a client certificate" : undefined;
}

function failed(doing: string, got: string, next: string): BelayError {
  return new BelayError("ENGINE_FORBIDDEN", { doing, got, next });
}
