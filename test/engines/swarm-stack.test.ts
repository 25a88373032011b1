import { createRunner } from "@belay/core";
import { renderStack } from "@belay/swarm";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { STACKS } from "./stack-corpus.ts";
import { IMAGE, STACK, type StackStand, startStackStand } from "./stack-stand.ts";

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
