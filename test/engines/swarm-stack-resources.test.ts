import { chmod, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LABELS, LeftBehind, scopeHash, systemClock } from "@belay/core";
import { EngineError } from "@belay/docker";
import { type Clear, type DesiredStack, type RenderRequest, removeCreated, renderStack } from "@belay/swarm";
import { createTestLog } from "@belay/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { IMAGE, SCOPE, STACK, type StackStand, startStackStand } from "./stack-stand.ts";

const BUSY = "the store is busy";
const never = new AbortController().signal;
let stand: StackStand;

beforeAll(async () => {
  stand = await startStackStand();
});

afterAll(() => stand?.stop());

afterEach(() => stand.clean());

type More = Partial<RenderRequest> & { readonly env?: Readonly<Record<string, string>> };

async function render(text: string, more: More = {}, extra: Readonly<Record<string, string>> = {}) {
  const files = await stand.write({ files: { "stack.yaml": text }, extra }, expect.getState().currentTestName ?? "x");
  return renderStack(await stand.request(files, more));
}

const released = { images: { web: IMAGE } };
const names = async (kind: "configs" | "secrets"): Promise<string[]> =>
  (await stand.docker[kind].list()).map(({ Spec }) => Spec.Name).sort();
const checks = (rendered: { findings: readonly { level: string; check: string }[] }): string[] =>
  rendered.findings.map(({ level, check }) => `${level} ${check}`);

describe("configs and secrets", () => {
  const stack = (value: string): string => `
services:
  web: { image: "$IMAGE", configs: [page], secrets: [token], networks: [back] }
networks: { back: }
configs: { page: { content: "${value} \${NAME}" } }
secrets: { token: { environment: TOKEN } }
`;
  const env = { IMAGE, NAME: "Ada", TOKEN: "a-very-secret-token" };

  /** Tidies up on an engine that removes no config. */
  async function whereRefused(text: string, how: Parameters<DesiredStack["tidy"]>): Promise<void> {
    const remove = async (): Promise<never> => {
      throw new EngineError("ENGINE_ERROR", 500, BUSY, { doing: "removing a config", got: BUSY });
    };
    const docker = { ...stand.docker, configs: { ...stand.docker.configs, remove } };
    await (await render(text, { ...released, env, docker })).tidy(...how);
  }

  test("come from text and variables, are named by their content, and are created once", async () => {
    const rendered = await render(stack("hello"), { ...released, env });
    expect(rendered.changes.map((line) => line.replace(/_[0-9a-f]{12} /, "_… "))).toEqual([
      "network shop_back is created",
      "config shop_page_… is created",
      "secret shop_token_… is created",
    ]);
    await stand.apply(rendered, 1);
    await rendered.create({}, never);
    const [page] = await stand.docker.configs.list();
    expect(Buffer.from(page?.Spec.Data ?? "", "base64").toString()).toBe("hello Ada");
    expect(page?.Spec.Labels).toMatchObject({ [LABELS.deployment]: "1", "com.docker.stack.namespace": STACK });
    expect(await names("secrets")).toHaveLength(1);
    expect(stand.redactor.redact("it is a-very-secret-token")).toBe("it is ***");
    const again = await render(stack("hello"), { ...released, env });
    expect(again.changes).toEqual([]);
    expect(again.services).toEqual(rendered.services);
  });

  test("get another name with another content, and the old ones stay while a kept release needs them", async () => {
    await stand.apply(await render(stack("one"), { ...released, env }), 1);
    const [first] = await names("configs");
    const second = await render(stack("two"), { ...released, env: { ...env, TOKEN: "another-secret" } });
    await stand.apply(second, 2);
    expect(await names("configs")).toHaveLength(2);
    // The engine's own previous spec still names the first.
    await second.tidy({ oldestKept: 5, deployment: 2 }, never);
    expect(await names("configs")).toHaveLength(2);
    const third = await render(stack("three"), { ...released, env });
    await stand.apply(third, 3);
    await third.tidy({ oldestKept: 1, deployment: 3 }, never);
    expect(await names("configs")).toContain(first);
    await third.tidy({ oldestKept: 3, deployment: 4 }, never);
    expect(await names("configs")).toContain(first);
    await expect(whereRefused(stack("three"), [{ oldestKept: 4, deployment: 5 }, never])).rejects.toThrow(BUSY);
    const left = new LeftBehind(createTestLog());
    const clear: Clear = (kind, name, work) => left.attempt({ what: `${kind} ${name}`, command: "" }, work);
    await whereRefused(stack("three"), [{ oldestKept: 4, deployment: 5 }, never, clear]);
    expect(left.all()).toEqual([{ what: `config ${first}`, command: "", why: expect.stringContaining(BUSY) }]);
    expect(await names("configs")).toContain(first);
    await third.tidy({ oldestKept: 4, deployment: 5 }, never);
    expect(await names("configs")).not.toContain(first);
    // The first token is in use again, so only the other one may go when its time comes.
    expect(await names("secrets")).toHaveLength(2);
    await third.tidy({ oldestKept: 9, deployment: 6 }, never);
    expect(await names("secrets")).toHaveLength(2);
  });

  test("go on the way back, others stay", async () => {
    await stand.docker.configs.create({ Name: "mine", Data: Buffer.from("x") });
    await stand.apply(await render(stack("one"), { ...released, env }), 1);
    const before = { configs: await names("configs"), secrets: await names("secrets") };
    const next = stack("two")
      .replace("networks: [back]", "networks: [back, more]")
      .replace("{ back: }", "{ back: {}, more: {} }");
    const second = await render(next, { ...released, env: { ...env, TOKEN: "another-secret" } });
    await second.create({ [LABELS.scope]: scopeHash(SCOPE), [LABELS.deployment]: "2" }, never);
    expect(await names("configs")).toHaveLength(3);
    const query = { scope: scopeHash(SCOPE), newerThan: 1 };
    await removeCreated(stand.docker, query, { clock: systemClock }, never);
    await removeCreated(stand.docker, query, { clock: systemClock }, never);
    expect({ configs: await names("configs"), secrets: await names("secrets") }).toEqual(before);
    expect((await stand.docker.networks.list()).map(({ Name }) => Name)).not.toContain("shop_more");
    // What runs is refused by the engine and stays.
    await removeCreated(stand.docker, { ...query, newerThan: 0 }, { clock: systemClock }, never);
    expect(await names("configs")).toEqual(before.configs);
  });

  test("external ones are looked for, and one that was taken is refused", async () => {
    const text = `
services: { web: { image: "$IMAGE", configs: [gone, page], secrets: [lost] } }
configs: { gone: { external: true, name: gone-config }, page: { content: hello } }
secrets: { lost: { external: true } }
`;
    const first = await render(text, released);
    expect(checks(first)).toEqual(["refuse config_missing", "refuse secret_missing"]);
    const page = first.services[0]?.spec.TaskTemplate.ContainerSpec?.Configs?.find(({ ConfigName }) =>
      ConfigName.startsWith("shop_page_"),
    );
    await stand.docker.configs.create({ Name: page?.ConfigName ?? "", Data: Buffer.from("somebody else's") });
    expect(checks(await render(text, released))).toContain("refuse config_taken");
    await expect(first.create({}, never)).rejects.toMatchObject({ code: "ENGINE_ERROR" });
  });
});

describe("networks", () => {
  const stack = (network: string): string => `
services: { web: { image: "$IMAGE", networks: [back] } }
networks: { back: ${network} }
`;

  test("that can't be changed are told, and stay", async () => {
    await stand.apply(await render(stack("{}"), released), 1);
    const changed = await render(stack("{ attachable: true, ipam: { config: [{ subnet: 10.98.0.0/24 }] } }"), released);
    expect(changed.findings).toMatchObject([
      { level: "warn", check: "network_differs", message: expect.stringContaining("`attachable`, the subnets") },
    ]);
    expect(changed.changes).toEqual([]);
  });

  test("of others and missing ones are refused", async () => {
    const args = ["network", "create", "--driver", "overlay"];
    await stand.engine.docker([...args, "shop_back"]);
    expect(checks(await render(stack("{}"), released))).toEqual(["refuse network_taken"]);
    expect(checks(await render(stack("{ external: true, name: shop_back }"), released))).toEqual([]);
    expect(checks(await render(stack("{ external: true, name: nowhere }"), released))).toEqual([
      "refuse network_missing",
    ]);
    await stand.engine.docker(["network", "create", "only-here"]);
    const local = await render(stack("{ external: true, name: only-here }"), released);
    expect(local.findings[0]?.message).toContain("belongs to one engine only");
    await stand.engine.docker(["network", "rm", "only-here"]);
  });

  test("go when nothing uses them any more", async () => {
    await stand.apply(await render(stack("{}").replaceAll("back", "old"), released), 1);
    const next = await render(stack("{}"), released);
    await stand.apply(next, 2);
    const there = async () => (await stand.docker.networks.list()).map(({ Name }) => Name);
    await next.tidy({ oldestKept: 1, deployment: 2 }, never);
    // The service's previous spec names it.
    expect(await there()).toContain("shop_old");
    await stand.apply(next, 3);
    await expect
      .poll(
        async () => {
          await next.tidy({ oldestKept: 1, deployment: 3 }, never);
          return await there();
        },
        { timeout: 60_000 },
      )
      .not.toContain("shop_old");
    expect(await there()).toContain("shop_back");
  });
});

describe("services beside the release", () => {
  const STACK_TEXT = `
services:
  web: { image: "$IMAGE", depends_on: [db], volumes: ["data:/data", "/etc/hosts:/hosts"] }
  db: { image: "$IMAGE" }
  proxy: { image: "$IMAGE" }
volumes: { data: }
`;

  test("are created with the first deployment, in order, and never changed after", async () => {
    const first = await render(STACK_TEXT, released);
    const order = first.services.map(({ service, dependsOn }) => ({ service, dependsOn }));
    expect(order).toEqual([
      { service: "web", dependsOn: ["db"] },
      { service: "db", dependsOn: [] },
      { service: "proxy", dependsOn: ["web", "db"] },
    ]);
    expect(first.notCovered).toEqual(["the files at /etc/hosts", "the volume shop_data"]);
    expect(checks(first)).toEqual(expect.arrayContaining(["warn dependencies_created", "warn companions_created"]));
    await stand.apply(first, 1);
    const second = await render(STACK_TEXT, released);
    expect(second.services.map(({ service }) => service)).toEqual(["web"]);
    expect(second.findings).toEqual([]);
  });

  test("are not created where somebody deploys the stack", async () => {
    await stand.engine.docker([
      "service",
      "create",
      "--detach",
      "--name",
      "shop_db",
      "-l",
      `com.docker.stack.namespace=${STACK}`,
      IMAGE,
    ]);
    const rendered = await render(STACK_TEXT, released);
    expect(rendered.services.map(({ service }) => service)).toEqual(["web"]);
    expect(rendered.findings).toMatchObject([{ check: "service_absent", message: expect.stringContaining("proxy") }]);
  });

  test("are pruned when the files lose them, if they are Belay's own", async () => {
    const label = (text: string): string[] => ["--label", text];
    const create = (name: string, ...labels: string[]) =>
      stand.engine.docker(["service", "create", "--detach", "--name", name, ...labels, IMAGE]);
    const own = label(`com.docker.stack.namespace=${STACK}`);
    await create("shop_old", ...own, ...label(`${LABELS.scope}=${scopeHash(SCOPE)}`));
    await create("shop_grafana", ...own);
    await create("shop_theirs", ...own, ...label(`${LABELS.scope}=000000000000`));
    await create("other_old", ...label("com.docker.stack.namespace=other"));
    const rendered = await render(STACK_TEXT, released);
    expect(rendered.prune).toEqual(["shop_old"]);
    const left = { check: "service_left", message: expect.stringContaining("docker service rm shop_grafana") };
    expect(rendered.findings).toContainEqual(expect.objectContaining(left));
  });
});

describe("what can't be rendered", () => {
  test("variables that are not set are named, and the runner's own are not seen", async () => {
    process.env.BELAY_TEST_LEAK = "leak";
    const text = `services: { web: { image: "$IMAGE", environment: { A: "$BELAY_TEST_LEAK \${B} \${C:-c} $$D" } } }`;
    await expect(render(text, released)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("the variables BELAY_TEST_LEAK, B are used there and not set"),
    });
    delete process.env.BELAY_TEST_LEAK;
  });

  test("a command line without stack config is told in one sentence", async () => {
    const files = await stand.write({ files: { "stack.yaml": "services: {}" } }, "old");
    const old = join(dirname(files[0] ?? ""), "docker");
    await writeFile(old, "#!/bin/sh\necho \"unknown shorthand flag: 'c' in -c\" >&2\nexit 125\n");
    await chmod(old, 0o755);
    const request = await stand.request(files);
    await expect(renderStack({ ...request, stack: { ...request.stack, cli: old } })).rejects.toMatchObject({
      code: "TOOL_TOO_OLD",
      message: expect.stringContaining("version 23 or newer"),
    });
    await expect(
      renderStack({ ...request, stack: { ...request.stack, cli: "/nowhere/docker" } }),
    ).rejects.toMatchObject({
      code: "TOOL_MISSING",
    });
  });

  test.for([
    ["no service of that name", "services: { api: { image: $IMAGE } }", "have no service web, only api"],
    ["a key that is unknown", "services: { web: { image: $IMAGE, imag: x } }", "imag"],
    [
      "no file for a config",
      "services: { web: { image: $IMAGE, configs: [c] } }\nconfigs: { c: { file: none } }",
      "none",
    ],
    [
      "no variable for a secret",
      "services: { web: { image: $IMAGE, secrets: [s] } }\nsecrets: { s: { environment: NO } }",
      "NO is not set",
    ],
    ["an undefined secret", "services: { web: { image: $IMAGE, secrets: [s] } }", "define no secret s"],
    ["an undefined network", "services: { web: { image: $IMAGE, networks: [n] } }", "define no network n"],
    [
      "two replicas everywhere",
      "services: { web: { image: $IMAGE, deploy: { mode: global, replicas: 2 } } }",
      "global",
    ],
  ])("%s", async ([, text = "", words = ""]) => {
    const error = await render(text, released).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining(words) });
  });
});
