import {
  type DeploymentReport,
  type FailureReport,
  type Plan,
  type RunningService,
  type ServiceChange,
  type StageReport,
  sha256,
} from "@belay/core";

const REPOSITORY = "https://github.com/acme/shop";
export const SAMPLE_COMMIT = "9f3c2ab41d5e6f708192a3b4c5d6e7f8091a2b3c";
const OLD_COMMIT = "41d05c0f9e8d7c6b5a49382716050f1e2d3c4b5a";
const IMAGE = "ghcr.io/acme/shop-web";
const NEW = sha256("new image");
const OLD = sha256("old image");
const RELEASE = sha256("release 12");
const OLD_RELEASE = sha256("release 11");

const source: DeploymentReport["release"]["source"] = {
  repository: REPOSITORY,
  revision: SAMPLE_COMMIT,
  ref: "refs/heads/faster-checkout",
  pullRequest: 7,
  author: "Ada Lovelace <ada@example.org>",
  title: "Faster checkout (#7), thanks @everyone",
  committedAt: "2026-11-23T14:02:11Z",
  run: { id: "4242", attempt: 1, url: `${REPOSITORY}/actions/runs/4242` },
};

const stages: readonly StageReport[] = [
  { name: "build", state: "passed", durationMs: 18_400, detail: "sha-9f3c2ab41d5e, pr-7" },
  { name: "test", state: "passed", durationMs: 6_200, detail: "web" },
  { name: "push", state: "passed", durationMs: 3_100 },
  { name: "deploy", state: "passed", durationMs: 14_900 },
];

const changes: readonly ServiceChange[] = [
  {
    service: "web",
    name: "shop-web",
    action: "update",
    goal: "run",
    desired: 3,
    dependsOn: [],
    from: { revision: "r11", image: `${IMAGE}@${OLD}`, digests: [OLD], instances: 3 },
    to: { revision: "r12", image: `${IMAGE}@${NEW}`, digests: [NEW], instances: 3 },
    differences: ["image", "environment: CHECKOUT_MODE added"],
  },
];

function running(which: "new" | "old", ready = 3): RunningService {
  const isNew = which === "new";
  return {
    service: "web",
    name: "shop-web",
    revision: isNew ? "r12" : "r11",
    image: `${IMAGE}@${isNew ? NEW : OLD}`,
    digests: [isNew ? NEW : OLD],
    ready,
    desired: 3,
    deployment: isNew ? 12 : 11,
    release: isNew ? RELEASE : OLD_RELEASE,
    since: isNew ? "2026-11-23T14:05:20Z" : "2026-11-21T09:30:02Z",
    labelledCommit: isNew ? SAMPLE_COMMIT : OLD_COMMIT,
  };
}

const base: DeploymentReport = {
  application: "shop",
  environment: "staging",
  target: "compose",
  url: "https://staging.shop.example",
  outcome: "succeeded",
  deployment: 12,
  release: { digest: RELEASE, source },
  previous: {
    deployment: 11,
    release: OLD_RELEASE,
    source: { repository: REPOSITORY, revision: OLD_COMMIT, title: "Bigger buttons" },
  },
  changes,
  findings: [
    { level: "cannot tell", check: "registry_from_target", message: "the target's registry can't be seen from here" },
  ],
  running: [running("new")],
  evidence: [],
  advice: [
    { title: "What runs now", command: "belay status --environment staging" },
    { title: "Logs of web", command: "docker compose -p shop logs --tail 100 web" },
  ],
  notCovered: ["the volume shop_data"],
  stages,
  startedAt: "2026-11-23T14:05:05Z",
  durationMs: 14_900,
};

const evidence: DeploymentReport["evidence"] = [
  {
    service: "web",
    instance: "shop-web-4",
    exitCode: 1,
    oomKilled: false,
    healthOutput: "wget: can't connect to remote host (127.0.0.1): Connection refused",
    logLines: [
      "> shop@2.3.0 start",
      "> node server.js",
      "checkout: mode=fast",
      "Error: CHECKOUT_URL is not set",
      "    at loadConfig (/app/config.js:14:11)",
      "    at Object.<anonymous> (/app/server.js:3:16)",
      "Node.js v24.1.0",
    ],
    events: ["14:05:09 start", "14:05:10 die exitCode=1", "14:05:11 start", "14:05:11 die exitCode=1"],
    unknown: [],
  },
  {
    service: "web",
    instance: "shop-web-5",
    exitCode: 1,
    logLines: ["Error: CHECKOUT_URL is not set"],
    events: [],
    unknown: ["memory peak"],
  },
];

const failedStages: readonly StageReport[] = stages.map((stage) =>
  stage.name === "deploy" ? { ...stage, state: "failed", durationMs: 9_300 } : stage,
);

const rolledBack: DeploymentReport = {
  ...base,
  outcome: "rolled_back",
  cause: { cause: "crash_loop", service: "web", instance: "shop-web-4", detail: "exit code 1" },
  likelyCause: "The last log line before each exit is: Error: CHECKOUT_URL is not set",
  evidence,
  running: [running("old")],
  stages: failedStages,
  durationMs: 9_300,
  restoreMs: 1_840,
};

const failure: FailureReport = {
  application: "shop",
  environment: "staging",
  reason: "build_failed",
  message: [
    "building web: docker build ended with exit code 1. Look at the Dockerfile's line 9.",
    "#12 [build 4/5] RUN npm run build",
    "#12 0.412 src/cart.ts(31,7): error TS2322: Type 'string' is not assignable to type 'number'.",
    '#12 ERROR: process "/bin/sh -c npm run build" did not complete successfully: exit code: 2',
  ].join("\n"),
  source,
  stages: [
    { name: "build", state: "failed", durationMs: 12_100 },
    { name: "test", state: "skipped", durationMs: 0 },
    { name: "push", state: "skipped", durationMs: 0 },
    { name: "deploy", state: "skipped", durationMs: 0 },
  ],
  startedAt: "2026-11-23T14:05:05Z",
  durationMs: 12_100,
};

/** One report of each kind that people meet, for pictures and tests. */
export const SAMPLE_REPORTS = {
  succeeded: base,
  rolled_back: rolledBack,
  refused: {
    ...base,
    outcome: "refused",
    cause: { cause: "preflight", service: "web", detail: "2 checks said no" },
    running: [running("old")],
    findings: [
      {
        level: "warn",
        check: "no_healthcheck",
        service: "web",
        message: "the image has no HEALTHCHECK",
        remedy: "Add one, or a probe.",
      },
      {
        level: "refuse",
        check: "image_missing",
        service: "web",
        message: `${IMAGE}@${NEW} is not at the registry (404)`,
        remedy: "Run the push step again.",
      },
      {
        level: "refuse",
        check: "fixed_port",
        service: "web",
        message: "the host port 8080 can't be held twice",
        remedy: "Set strategy: recreate.",
      },
    ],
    stages: failedStages,
    durationMs: 640,
  },
  failed: {
    ...withoutPrevious(rolledBack),
    outcome: "failed",
    cause: { cause: "unhealthy", service: "web", detail: "3 of 3 health checks failed" },
    running: [{ ...running("new", 0), deployment: 1 }],
    deployment: 1,
  },
  rollback_failed: {
    ...rolledBack,
    outcome: "rollback_failed",
    cause: { cause: "engine_unreachable", service: "web", detail: "connect ECONNREFUSED /var/run/docker.sock" },
    running: [running("old", 1)],
  },
  build_failed: failure,
  tests_failed: {
    ...failure,
    reason: "tests_failed",
    message:
      "testing web: the target `test` ended with exit code 1. Fix the failing test.\nnot ok 3 - checkout adds up\n  expected: 30\n  actual: 29",
    stages: [
      { name: "build", state: "passed", durationMs: 18_400 },
      { name: "test", state: "failed", durationMs: 4_100, detail: "web: 1 of 31 failed" },
    ],
  },
} as const satisfies Record<string, DeploymentReport | FailureReport>;

function withoutPrevious({
  previous: _previous,
  restoreMs: _restoreMs,
  ...report
}: DeploymentReport): DeploymentReport {
  return report;
}

export const SAMPLE_PLAN: Plan = {
  scope: { target: "compose", project: "shop", application: "shop", environment: "staging" },
  services: [
    ...changes,
    {
      service: "cache",
      name: "shop-cache",
      action: "unchanged",
      goal: "run",
      desired: 1,
      dependsOn: [],
      differences: [],
    },
  ],
  findings: SAMPLE_REPORTS.refused.findings.filter((finding) => finding.level === "warn"),
  notCovered: ["the volume shop_data"],
  labelledDeployment: 11,
  detail: undefined,
};
