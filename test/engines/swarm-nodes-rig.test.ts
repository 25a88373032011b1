import { createRunner, Redactor } from "@belay/core";
import { startSwarmNodes, waitUntil } from "@belay/testkit";
import { expect, test } from "vitest";

const run = createRunner(new Redactor());

/** Names of namespaces and links of the machine that a rig's namespace is the beginning of. */
async function tracesOf(bridge: string): Promise<string[]> {
  const namespaces = await run("ip", ["netns", "list"]);
  const links = await run("ip", ["-o", "link", "show"]);
  const rules = await run("iptables", ["-w", "-S", "FORWARD"]);
  return [namespaces, links, rules].flatMap(({ stdout }) => stdout.split("\n").filter((line) => line.includes(bridge)));
}

test("nodes can be lost, cut off and found again, and leave nothing behind", async () => {
  const nodes = await startSwarmNodes({ workers: 1 });
  const bridge = nodes.manager.namespace.replace(/-\d+$/, "");
  try {
    const [worker] = nodes.workers;
    if (worker === undefined) throw new Error("no worker");
    const becomes = (state: string) =>
      waitUntil(`the worker is ${state}`, async () => (await nodes.stateOf(worker)) === state, {
        withinMs: 120_000,
        everyMs: 300,
      });
    await nodes.unplug(worker);
    await becomes("down");
    await nodes.plug(worker);
    await becomes("ready");
    await worker.engine.kill();
    await becomes("down");
    await worker.engine.restart();
    await becomes("ready");
    expect(await tracesOf(bridge)).not.toEqual([]);
  } finally {
    await nodes.stop();
  }
  expect(await tracesOf(bridge)).toEqual([]);
});
