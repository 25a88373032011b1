/** The images of the contract suite: one small HTTP server, told by its script how to go wrong. */
export type VariantName =
  | `good${number}`
  // Of the benchmark: a health check of 1 s × 2 that counts from the start.
  | `steady${number}`
  | "sick"
  | "crash"
  | "oom"
  | "unhealthy"
  | "sickens"
  | "slow"
  | "flapping"
  // As `unhealthy`, and has said much before.
  | "talks"
  | "wrong-command"
  | `unchecked${number}`
  | "stubborn"
  | "exits"
  | `job-done${number}`
  | "job-fails"
  | "missing";

/** How an instance is asked for its health, in neutral words: a HEALTHCHECK, or startup, readiness and liveness probes. */
export interface Health {
  /** HTTP GET of this path on {@link PORT}; 200 is good. */
  readonly path: "/healthz";
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures in a row that make it unhealthy. */
  readonly retries: number;
  /** Failures in this time after its start don't count. */
  readonly startMs: number;
}

export interface Variant {
  readonly name: VariantName;
  /** The whole command of the image. */
  readonly command: readonly string[];
  /** None: no health check at all. */
  readonly health?: Health;
}

/** Where the server listens. `/` answers the variant's name, `/healthz` with 200 or 404. */
export const PORT = 8080;
/** The last line that the variant `crash` writes before it ends with {@link CRASH_CODE}. */
export const CRASH_LINE = "no database at db:5432";
export const CRASH_CODE = 3;
/** What `talks` says so many times, each time with its number before it: a secret that the run knows. */
export const SECRET = "s3cr3t-of-the-shop";
export const SAID_TIMES = 60;
/** Memory limit for `oom`, which takes more. Enough for the others. */
export const MEMORY_LIMIT = 64 * 1024 * 1024;
/** When `sickens` stops being healthy, after its first good answer: however late a busy machine asks, it has been healthy. */
const SICKENS_AFTER_S = 6;

/** A busy machine starts slowly: what is meant to be healthy is judged late. */
const PATIENT: Health = { path: "/healthz", intervalMs: 1_000, timeoutMs: 10_000, retries: 2, startMs: 20_000 };
const PROMPT: Health = { path: "/healthz", intervalMs: 1_000, timeoutMs: 3_000, retries: 2, startMs: 0 };
const STRICT: Health = { ...PATIENT, startMs: 0 };

/** The process with PID 1 waits for signals, because the kernel gives it no default for them. */
const TRAP = "trap 'exit 0' TERM INT";
const WAIT = "while :; do sleep 3600 & wait $!; done";
const HEALTHY = "echo fine > /www/healthz";
const SERVE = `httpd -p ${PORT} -h /www; echo listening`;

function script(name: VariantName): string {
  const begin = `mkdir -p /www; echo ${name} > /www/index.html`;
  const lines = (...more: string[]): string => [begin, ...more].join("\n");
  switch (name) {
    case "crash":
      return lines(HEALTHY, SERVE, "sleep 0.5", `echo '${CRASH_LINE}'`, `exit ${CRASH_CODE}`);
    case "oom":
      return lines(HEALTHY, SERVE, "sleep 0.3", "exec dd if=/dev/zero of=/dev/null bs=400M count=1");
    case "unhealthy":
    case "sick":
      return lines(TRAP, SERVE, WAIT);
    case "sickens":
      return lines(
        ...[TRAP, HEALTHY, `httpd -f -v -p ${PORT} -h /www 2> /asked & echo listening`],
        "until grep -q response:200 /asked; do sleep 0.2 & wait $!; done",
        ...[`sleep ${SICKENS_AFTER_S} & wait $!`, "rm /www/healthz", WAIT],
      );
    case "talks":
      return lines(
        TRAP,
        `for i in $(seq ${SAID_TIMES}); do echo "said $i ${SECRET}"; done; httpd -p ${PORT} -h /www`,
        WAIT,
      );
    case "slow":
      return lines(TRAP, "sleep 4 & wait $!", HEALTHY, SERVE, WAIT);
    case "flapping":
      return lines(TRAP, SERVE, `while :; do ${HEALTHY}; sleep 3 & wait $!; rm /www/healthz; sleep 3 & wait $!; done`);
    case "stubborn":
      return lines("trap '' TERM INT", HEALTHY, SERVE, "while :; do sleep 1; done");
    case "exits":
      return lines("echo 'nothing to do'", "sleep 0.3", "exit 0");
    case "job-done1":
    case "job-done2":
      return lines("echo migrated");
    case "job-fails":
      return lines("echo 'no such table: orders'", "exit 1");
    default:
      return lines(TRAP, HEALTHY, SERVE, WAIT);
  }
}

function healthOf(name: VariantName): Health | undefined {
  if (name === "unhealthy" || name === "talks") return STRICT;
  if (name === "sick" || name.startsWith("steady")) return PROMPT;
  if (name.startsWith("unchecked")) return undefined;
  if (["exits", "job-done1", "job-done2", "job-fails", "wrong-command"].includes(name)) return undefined;
  return PATIENT;
}

/** What there is to know of a variant. `missing` has no image: its digest is at no registry. */
export function variantOf(name: VariantName): Variant {
  const command = name === "wrong-command" ? ["/no/such/program"] : ["/bin/sh", "-c", script(name)];
  const health = healthOf(name);
  return { name, command, ...(health === undefined ? {} : { health }) };
}
