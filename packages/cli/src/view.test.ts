import { stripVTControlCharacters } from "node:util";
import type { RolloutEvent } from "@belay/rollout";
import { describe, expect, it } from "vitest";
import { createView, type ViewOptions } from "./view.ts";

const ESCAPE = "\u001b";
type Observed = Extract<RolloutEvent, { kind: "observed" }>;
type Instance = Observed["services"][number]["instances"][number];

function instance(title: string, wanted: boolean, ready = true): Instance {
  return { title, wanted, ready, phase: "current", state: ready ? "running, healthy" : "restarting (exit code 1)" };
}

function observed(change: Partial<Observed> = {}, instances: readonly Instance[] = []): Observed {
  return {
    kind: "observed",
    direction: "forward",
    stage: "all at once",
    elapsedMs: 1_500,
    services: [{ service: "web", desired: 2, wanted: 1, ready: 1, others: 1, instances }],
    verdict: { kind: "progressing", waitingFor: ["everything is right, and must stay so for 5.0 s more"] },
    ...change,
  };
}

/** A terminal as far as the view uses one: cursor up with erasing below, and lines. */
function screen(options: Partial<ViewOptions> = {}) {
  let lines: string[] = [];
  const written: string[] = [];
  const write = (text: string): void => {
    written.push(text);
    const [, up] = text.startsWith(`${ESCAPE}[`) ? (/\[(\d+)A/.exec(text) ?? []) : [];
    const plain = up === undefined ? text : text.slice(text.indexOf("J") + 1);
    if (up !== undefined) lines = lines.slice(0, lines.length - Number(up));
    lines.push(...plain.split("\n").slice(0, -1));
  };
  const view = createView({ terminal: true, columns: 100, colour: false, write, ...options });
  return { view, lines: () => lines, written };
}

describe("the live view", () => {
  it("draws one table in place, and ordinary output above it", () => {
    const { view, lines } = screen();
    view.onEvent(observed());
    view.above("a line of the log\n");
    view.onEvent(observed({ elapsedMs: 2_000 }));
    expect(lines()).toEqual([
      "a line of the log",
      "all at once · 2.0 s",
      "  web: 1 of 2 ready, 1 of another revision",
      "  now: everything is right, and must stay so for 5.0 s more",
    ]);
    view.close();
    expect(lines()).toEqual(["a line of the log"]);
  });

  it.each([
    ["forward", "new", "old"],
    ["back", "old", "bad"],
  ] as const)("on the way %s calls the wanted %s and the others %s", (direction, wanted, others) => {
    const { view, lines } = screen();
    view.onEvent(observed({ direction }, [instance("web-1", true), instance("web-2", false)]));
    const words = lines().flatMap((line) => / (web-\d) +(\w+) {2}/.exec(line)?.slice(1) ?? []);
    expect(words).toEqual(["web-1", wanted, "web-2", others]);
  });

  it("leaves no stale table behind a failure, only a line of it", () => {
    const { view, lines } = screen();
    view.onEvent(observed({}, [instance("web-1", true, false)]));
    view.onEvent({ kind: "failed", cause: { cause: "crash_loop", detail: "web-1" } });
    view.above("after\n");
    expect(lines()).toHaveLength(3);
    expect(lines()[0]).toBe("all at once: web: 1 of 2 ready, 1 of another revision");
    expect(lines()[1]).toMatch(/^failed: /);
    expect(lines()[2]).toBe("after");
  });

  it("leaves one line of a stage at once when it is right, before the next stage's steps are told", () => {
    const { view, lines } = screen();
    view.onEvent(observed());
    view.onEvent(observed({ verdict: { kind: "converged" } }));
    view.onEvent(observed({ verdict: { kind: "converged" } }));
    view.above("stopping web-1\n");
    expect(lines()).toEqual(["all at once: web: 1 of 2 ready, 1 of another revision", "stopping web-1"]);
  });

  it("begins a new table for the way back", () => {
    const { view, lines } = screen();
    view.onEvent(observed());
    view.onEvent(observed({ direction: "back" }));
    expect(lines().slice(0, 2)).toEqual([
      "all at once: web: 1 of 2 ready, 1 of another revision",
      "taking it off · 1.5 s",
    ]);
  });

  it("paints what is ready green, what fails red and what goes dim, after it cut the line", () => {
    const { view, lines } = screen({ colour: true, columns: 30 });
    view.onEvent(observed({}, [instance("a", true), instance("b", true, false), instance("c", false)]));
    const codes = lines().map((line) => (line.startsWith(ESCAPE) ? line.slice(2, line.indexOf("m")) : ""));
    expect(codes).toEqual(["1", "", "32", "31", "2", ""]);
    for (const line of lines()) expect(stripVTControlCharacters(line).length).toBeLessThan(30);
  });

  it("writes no colour unless asked", () => {
    const { view, written } = screen();
    view.onEvent(observed({}, [instance("a", true)]));
    view.onEvent({ kind: "ended", outcome: "succeeded" });
    // What moves the cursor may stay.
    expect(written.flatMap((text) => text.split(ESCAPE).slice(1)).filter((text) => /^\[\d+m/.test(text))).toEqual([]);
  });
});

it("writes plain lines where there is no terminal, each once", () => {
  const { view, written } = screen({ terminal: false });
  view.onEvent(observed());
  view.onEvent(observed({ elapsedMs: 9_000 }));
  expect(written).toEqual(["all at once: web: 1 of 2 ready, 1 of another revision\n"]);
});
