import {
  createRelease,
  createRunner,
  type Finding,
  LABELS,
  Redactor,
  type Release,
  scopeHash,
  systemClock,
  type Target,
} from "@belay/core";
import { deploy } from "@belay/rollout";
import { createSwarmTarget, renderStack } from "@belay/swarm";
import { createTestLog } from "@belay/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { POLICY } from "../contract/policy.ts";
import { STACKS } from "./stack-corpus.ts";
import { IMAGE, SCOPE, STACK, type StackStand, startStackStand } from "./stack-stand.ts";

let stand: StackStand;

beforeAll(async () => {
  stand = await startStackStand();
});

afterAll(() => stand?.stop());

afterEach(() => stand.clean());

/** What the corpus declares as external. */
async function outside(): Promise<void> {
  await stand.docker.configs.create({ Name: "there-config", Data: Buffer.from("x") });
  await stand.docker.secrets.create({ Name: "outside-secret", Data: Buffer.from("x") });
}

describe("what docker stack deploy makes", () => {
  test.for(Object.entries(STACKS))("is what Belay makes: %s", async ([name, stack]) => {
    const files = await stand.write(stack, name);
    const env = { IMAGE, ...stack.env };
    await outside();
    const args = ["stack", "deploy", "--resolve-image", "never", ...files.flatMap((file) => ["-c", file]), STACK];
    await createRunner(stand.redactor)(stand.cli, args, { env: { ...stand.engine.env, ...env } });
    const theirs = await stand.made();
    await stand.clean();

    await outside();
    const rendered = await renderStack(await stand.request(files, { env }));
    // No registry can be asked here.
    const other = rendered.findings.filter(({ level, check }) => level !== "warn" && check !== "image_not_pinned");
    expect(other).toEqual([]);
    await stand.apply(rendered);
    expect(await stand.made()).toEqual(theirs);
  });
});

/** What a service is, what the files want of it, and what preflight says. */
interface Obstacle {
  /** Options of `docker service create` for the service that is there; none: it is there with nothing special. */
  readonly there?: readonly string[];
  /** Options of another service of the swarm, `other_beside`. */
  readonly beside?: readonly string[];
  /** That is one of Belay's of the stack that the files no longer have, `shop_beside`. */
  readonly pruned?: true;
  /** The service in the stack's file, in one line of YAML. */
  readonly web?: string;
  /** More of its `environment`. */
  readonly environment?: string;
  readonly platform?: string;
  readonly words: string;
}

const ROLLBACK = "update_config: { failure_action: rollback }";
const PUBLISHED = ["--publish", "published=18081,target=80"];
const IN_SWARM = "ports: [{ target: 8080, published: 18081, protocol: tcp, mode: ingress }]";
const ON_NODE = "ports: [{ target: 8080, published: 18081, protocol: tcp, mode: host }]";
const OBSTACLES: readonly (readonly [string, Obstacle])[] = [
  [
    "refuse foreign_owner",
    {
      there: ["-l", `${LABELS.scope}=0000`, "-l", `${LABELS.application}=till`, "-l", `${LABELS.environment}=test`],
      words: "the service shop_web belongs to another deployment of Belay: till in test",
    },
  ],
  ["refuse mode_changes", { web: "deploy: { mode: global }", words: "it is replicated and should become global" }],
  [
    "refuse wrong_platform",
    { platform: "linux/s390x", words: "its image is built for linux/s390x, and the nodes are" },
  ],
  [
    "refuse port_taken",
    { beside: PUBLISHED, web: IN_SWARM, words: "18081/tcp is published by the service other_beside" },
  ],
  ["refuse port_taken", { beside: PUBLISHED, web: ON_NODE, words: "published by the service other_beside" }],
  ["refuse port_taken", { beside: PUBLISHED, pruned: true, web: IN_SWARM, words: "docker service rm shop_beside" }],
  [
    "refuse fixed_port",
    {
      web: `${ON_NODE}, deploy: { update_config: { order: start-first } }`,
      words: "it publishes port 18081 of the node",
    },
  ],
  [
    "refuse end_is_failure",
    {
      there: ["--restart-condition", "none"],
      web: `deploy: { restart_policy: { condition: none }, ${ROLLBACK} }`,
      words: "the engine takes the end of its task for a failure",
    },
  ],
  ["warn downtime", { web: "deploy: { replicas: 2, update_config: { parallelism: 2 } }", words: "(stop-first)" }],
  ["warn no_replicas", { web: "deploy: { replicas: 0 }", words: "it has no replicas" }],
  ["warn variable_unset", { web: "labels: {}", environment: "GIVEN:", words: "pass GIVEN on without a value" }],
  ["warn unsupported_key", { web: "privileged: true", words: "`privileged`" }],
];

async function createByHand(stack: string, name: string, options: readonly string[]): Promise<void> {
  const own = ["--name", `${stack}_${name}`, "--label", `com.docker.stack.namespace=${stack}`];
  await stand.engine.docker(["service", "create", "--detach", "--no-resolve-image", ...own, ...options, IMAGE]);
}

async function open(web: string, environment = ""): Promise<Target> {
  const text = `version: "3.8"\nservices: { web: { image: "$IMAGE", environment: { NEW: "1", ${environment} }, ${web} } }`;
  const files = await stand.write({ files: { "stack.yaml": text } }, expect.getState().currentTestName ?? "x");
  const { docker, runner, log, clock, redactor, scope, stack } = await stand.request(files);
  return createSwarmTarget({ ...{ docker, runner, log, clock, redactor, scope, stack }, services: { web: {} } });
}

function released(platform = "linux/amd64"): Release {
  const [repository = "", digest = ""] = IMAGE.split("@");
  const manifest = digest as `sha256:${string}`;
  const platforms = { [platform]: { config: manifest, manifest } };
  return createRelease({
    ...{ stage: "push", application: "shop", evidence: {}, createdAt: "2026-01-02T03:04:05Z" },
    source: { repository: "https://github.com/acme/shop", revision: "0".repeat(40) },
    services: { web: { repository, digest: manifest, tags: [], platforms } },
  });
}

const named = ({ level, check }: Finding): string => `${level} ${check}`;

describe("preflight of a stack", () => {
  // Two tasks, one at a time and the new one first, with nothing that stands in the way.
  const plain = "deploy: { replicas: 2, update_config: { order: start-first, parallelism: 1 } }";
  const native = `linux/${process.arch === "arm64" ? "arm64" : "amd64"}`;

  test.for(OBSTACLES)("finds: %s", async ([check, { there = [], beside, pruned, web = plain, ...more }]) => {
    await createByHand(STACK, "web", there);
    const own = pruned ? ["--label", `${LABELS.scope}=${scopeHash(SCOPE)}`] : [];
    if (beside !== undefined) await createByHand(pruned ? STACK : "other", "beside", [...beside, ...own]);
    const target = await open(web, more.environment);
    try {
      const { findings } = await target.plan(released(more.platform ?? native), POLICY);
      const found = findings.filter((one) => named(one) === check);
      expect(found, JSON.stringify(findings)).toMatchObject([{ service: "web" }]);
      expect(`${found[0]?.message} ${found[0]?.remedy}`).toContain(more.words);
    } finally {
      await target.close();
    }
  });

  test("refuses the ports that the engine itself refuses, and not the one that it gives", async () => {
    await createByHand("other", "beside", PUBLISHED);
    for (const mode of ["ingress", "host"]) {
      const publish = ["--publish", `published=18081,target=8080,mode=${mode}`];
      await expect(createByHand(STACK, "web", publish)).rejects.toThrow("is already in use by service 'other_beside'");
    }
    await createByHand("other", "node", ["--publish", "published=18082,target=80,mode=host"]);
    await createByHand(STACK, "web", []);
    const target = await open(`${ON_NODE.replace("18081", "18082")}, ${plain.replace("start-first", "stop-first")}`);
    const { findings } = await target.plan(released(native), POLICY);
    await target.close();
    expect(findings.map(named)).not.toContain("refuse port_taken");
  });

  test("finds none of it where all is well, and what is refused is not touched", async () => {
    await createByHand(STACK, "web", []);
    const well = await open(plain);
    const { findings } = await well.plan(released(native), POLICY);
    await well.close();
    expect(findings.map(named).filter((one) => OBSTACLES.some(([check]) => check === one))).toEqual([]);

    const specs = async () => (await stand.docker.services.list()).map(({ ID, Spec }) => ({ ID, Spec }));
    const before = await specs();
    const target = await open("deploy: { mode: global }");
    try {
      const { signal } = new AbortController();
      const holder = { run: "stack", attempt: 1, host: "test" };
      const redactor = new Redactor();
      const ports = { clock: systemClock, log: createTestLog(redactor), holder, signal, redactor, random: Math.random };
      const result = await deploy({ release: released(native), policy: POLICY }, { target, ...ports });
      expect(result).toMatchObject({ outcome: "refused", cause: { cause: "preflight", service: "web" } });
    } finally {
      await target.close();
    }
    expect(await specs()).toEqual(before);
    // No network, config or record either.
    expect((await stand.docker.configs.list()).map(({ Spec }) => Spec.Name)).toEqual([]);
    expect((await stand.docker.networks.list()).map(({ Name }) => Name)).not.toContain(`${STACK}_default`);
  });
});
