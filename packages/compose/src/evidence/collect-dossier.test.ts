import { Redactor } from "@belay/core";
import { expect, it } from "vitest";
import type { TargetState } from "../target-state.ts";
import { container } from "../testing/containers.ts";
import { collectDossier } from "./collect-dossier.ts";

const WANTED = { service: "web", goal: "run", desired: 1, revision: "r", digests: [] } as const;

/** What a failure tells of a container that its engine has started again so many times. `after`: done when the verdict is there. */
async function toldOf(
  restarts: number,
  lines: string[] = [],
  after: () => void = () => undefined,
): Promise<readonly string[] | undefined> {
  const one = container("1", { restarts, state: { Status: "exited", Running: false, ExitCode: 1 } });
  const watch = { known: () => [one], noteOf: () => ({ lines: [...lines], since: [] }), readExactly: async () => [] };
  const lastWords = { of: async () => ({ lines: [], unknown: [] }) };
  const state = { watch, lastWords, options: { redactor: new Redactor() } } as unknown as TargetState;
  const ended = { name: "web", role: "main", digests: [], state: "exited", restarts, health: "none" } as const;
  const instance = {
    ...({ id: "1", title: "web-1", slot: "1", revision: "r", phase: "current", createdAt: 0, ready: false } as const),
    containers: [{ ...ended, lastExit: { code: 1, oomKilled: false } }],
  };
  const service = { name: "web", kind: "container", goal: "run", desired: 1, wantedRevision: "r" } as const;
  const seen = { at: 0, services: [{ ...service, conditions: [], instances: [instance] }], probes: [] };
  const dossier = collectDossier(state, [WANTED], seen, new AbortController().signal);
  after();
  return (await dossier)[0]?.events;
}

it.each([
  [0, []],
  [1, ["restarted once by the engine"]],
  [2, ["restarted 2 times by the engine"]],
])("a failure tells of %d restarts in words that people use", async (restarts, told) => {
  expect(await toldOf(restarts)).toEqual(told);
});

it("a failure tells nothing of what its own run does to the container afterwards", async () => {
  const lines = ["died"];
  expect(await toldOf(0, lines, () => void lines.push("killed"))).toEqual(["died"]);
});
