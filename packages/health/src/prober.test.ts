import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Instance, Log, Observation, Probe } from "@belay/core";
import { FakeClock, waitUntil } from "@belay/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { createProber, type ProberOptions } from "./index.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const lines: string[] = [];
const log: Log = {
  debug: () => {},
  info: (line) => void lines.push(line),
  notice: () => {},
  warn: (line) => void lines.push(`warning: ${line}`),
  error: () => {},
  group: (_title, work) => work(),
};

const COMMAND: Probe = {
  service: "web",
  from: "instance",
  check: { kind: "command", command: ["check"] },
  intervalMs: 1_000,
  timeoutMs: 400,
  retries: 3,
};

function instance(id: string, changes: Partial<Instance> = {}): Instance {
  const fixed = { title: `shop-${id}`, slot: "1", revision: "new", phase: "current", createdAt: 0 } as const;
  return { id, ...fixed, ready: true, containers: [], ...changes };
}

function observation(instances: Instance[], goal: "run" | "complete" = "run"): Observation {
  const fixed = { name: "web", kind: "container", desired: 1, wantedRevision: "new", conditions: [] };
  return { at: 0, services: [{ ...fixed, goal, instances }], probes: [] };
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  lines.length = 0;
});

function setUp(changes: Partial<ProberOptions> = {}) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const asked: { id: string; at: number }[] = [];
  const state = { answer: 1, delayMs: 0, inFlight: 0, most: 0 };
  const exec: NonNullable<ProberOptions["exec"]> = async (id, _command, { signal }) => {
    asked.push({ id, at: clock.now() });
    state.most = Math.max(state.most, ++state.inFlight);
    try {
      await clock.sleep(state.delayMs, signal);
      return { exitCode: state.answer, output: "" };
    } finally {
      state.inFlight--;
    }
  };
  const options = { probes: [COMMAND], clock, signal: stop.signal, log, exec, engineIsLocal: true };
  const prober = createProber({ addressOf: async () => "127.0.0.1", ...options, ...changes });
  closing.push(() => prober.close());
  return { prober, clock, stop, asked, state };
}

describe("the prober's counting", () => {
  it("waits for the first success however long it takes, then counts failures in a row", async () => {
    const { prober, clock, state } = setUp();
    prober.follow(observation([instance("a")]));
    expect(prober.readings()).toMatchObject([
      { service: "web", instance: "a", state: "waiting", detail: "not asked yet" },
    ]);
    await clock.advance(30_000);
    expect(prober.readings()).toMatchObject([{ state: "waiting", detail: "exit code 1" }]);
    state.answer = 0;
    await clock.advance(1_000);
    expect(prober.readings()).toMatchObject([{ title: "command check", state: "passing" }]);
    state.answer = 1;
    await clock.advance(2_000);
    expect(prober.readings()[0]).toMatchObject({
      state: "passing",
      detail: "exit code 1 (failure 2 in a row, 3 make it failing)",
    });
    await clock.advance(1_000);
    expect(prober.readings()[0]?.state).toBe("failing");
    state.answer = 0;
    await clock.advance(1_000);
    expect(prober.readings()[0]?.state).toBe("passing");
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^warning: probe command check of shop-a: failing, exit code 1/);
  });

  it("forgets failures at each success", async () => {
    const { prober, clock, state } = setUp();
    state.answer = 0;
    prober.follow(observation([instance("a")]));
    for (const answer of [1, 1, 0, 1, 1, 0, 1, 1]) {
      await clock.advance(1_000);
      state.answer = answer;
    }
    await clock.advance(0);
    expect(prober.readings()[0]?.state).toBe("passing");
  });
});

describe("the prober's time", () => {
  it("asks at fixed times without drift, one at a time, and skips the turns that a slow answer took", async () => {
    const { prober, clock, asked, state } = setUp();
    state.delayMs = 300;
    prober.follow(observation([instance("a")]));
    await clock.advance(3_500);
    expect(asked.map(({ at }) => at)).toEqual([0, 1_000, 2_000, 3_000]);
    const slow = setUp({ probes: [{ ...COMMAND, timeoutMs: 5_000 }] });
    slow.state.delayMs = 1_500;
    slow.prober.follow(observation([instance("a")]));
    await slow.clock.advance(5_000);
    expect(slow.asked.map(({ at }) => at)).toEqual([0, 2_000, 4_000]);
    expect(slow.state.most).toBe(1);
  });

  it("gives up on an answer after its timeout", async () => {
    const { prober, clock, state } = setUp();
    state.delayMs = 60_000;
    prober.follow(observation([instance("a")]));
    await clock.advance(500);
    expect(prober.readings()[0]?.detail).toBe("no answer within 400 ms");
  });

  it("asks a bounded number at a time", async () => {
    const { prober, clock, asked, state } = setUp();
    state.delayMs = 100;
    prober.follow(observation(Array.from({ length: 60 }, (_, index) => instance(`i${index}`))));
    await clock.advance(450);
    expect(state.most).toBe(16);
    expect(new Set(asked.map(({ id }) => id)).size).toBe(60);
  });

  it("leaves no timer behind when it is closed or aborted", async () => {
    for (const end of ["close", "abort"] as const) {
      const { prober, clock, stop, state, asked } = setUp();
      state.delayMs = 100;
      prober.follow(observation(Array.from({ length: 20 }, (_, index) => instance(`i${index}`))));
      await clock.advance(50);
      if (end === "abort") stop.abort(new Error("cancelled"));
      await prober.close();
      await settle();
      expect(clock.sleeping).toBe(0);
      const count = asked.length;
      await clock.advance(10_000);
      prober.follow(observation([instance("late")]));
      await clock.advance(10_000);
      expect(asked).toHaveLength(count);
    }
  });
});

describe("whom the prober asks", () => {
  it("only current instances of the wanted revision that have not ended, of a service that keeps running", async () => {
    const { prober, clock, asked } = setUp();
    const others = [
      instance("old", { revision: "old" }),
      instance("draining", { phase: "draining" }),
      instance("dead", { phase: "history" }),
      instance("ended", { endedBy: "self" }),
    ];
    prober.follow(observation([instance("a"), ...others]));
    await clock.advance(100);
    expect(new Set(asked.map(({ id }) => id))).toEqual(new Set(["a"]));
    prober.follow(observation([instance("b")]));
    expect(prober.readings().map((reading) => reading.instance)).toEqual(["b"]);
    prober.follow(observation([instance("b")], "complete"));
    expect(prober.readings()).toEqual([]);
  });

  it("keeps what it knows of an instance from one observation to the next", async () => {
    const { prober, clock, state } = setUp();
    state.answer = 0;
    prober.follow(observation([instance("a")]));
    await clock.advance(100);
    prober.follow(observation([instance("a", { ready: false })]));
    expect(prober.readings()[0]?.state).toBe("passing");
  });

  it("tells of an address that is not there or can't be read", async () => {
    const http: Probe = { ...COMMAND, check: { kind: "http", url: "http://:1/", statuses: [200] } };
    const answers: (() => Promise<string | undefined>)[] = [
      async () => undefined,
      () => Promise.reject(new Error("the engine is gone")),
      () => new Promise(() => {}),
    ];
    const addressOf = (): Promise<string | undefined> => (answers.shift() ?? (async () => undefined))();
    const { prober, clock } = setUp({ probes: [http], addressOf });
    prober.follow(observation([instance("a")]));
    await clock.advance(0);
    expect(prober.readings()[0]).toMatchObject({ state: "waiting", detail: "it has no address" });
    await clock.advance(1_000);
    expect(prober.readings()[0]?.detail).toBe("its address could not be read: the engine is gone");
    await clock.advance(1_500);
    expect(prober.readings()[0]?.detail).toBe("its address was not known within 400 ms");
  });

  it("asks the service as a whole at once, with different titles for equal questions", async () => {
    const runner: Probe = { ...COMMAND, from: "runner", check: { kind: "tcp", host: "127.0.0.1", port: 1 } };
    const { prober } = setUp({ probes: [runner, { ...runner, from: "target" }] });
    const titles = prober.readings().map(({ title, instance: one }) => [title, one]);
    expect(titles).toEqual([
      ["tcp 127.0.0.1:1", undefined],
      ["tcp 127.0.0.1:1 (2)", undefined],
    ]);
    prober.follow(observation([]));
    expect(prober.readings()).toHaveLength(2);
  });
});

describe("a probe of the service as a whole, when other instances answer", () => {
  it("is outdated until it passed again, and is asked again at once", async () => {
    const held: (() => void)[] = [];
    let holds = false;
    let asked = 0;
    const server = createServer((_request, response) => {
      asked++;
      if (holds) held.push(() => response.end());
      else response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(async () => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const check = { kind: "http", url, statuses: [200] } as const;
    const { prober, clock } = setUp({ probes: [{ ...COMMAND, from: "runner", check, timeoutMs: 60_000 }] });
    const isCurrent = async () => prober.readings().every((one) => one.state === "passing" && one.outdated !== true);
    prober.follow(observation([instance("a")]));
    await waitUntil("it passed", isCurrent, { withinMs: 20_000, everyMs: 5 });
    prober.follow(observation([instance("a"), instance("gone", { phase: "history" })]));
    expect(await isCurrent()).toBe(true);
    holds = true;
    await clock.advance(1_000);
    await waitUntil("it is asked", async () => held.length === 1, { withinMs: 20_000, everyMs: 5 });
    prober.follow(observation([instance("b")]));
    expect(prober.readings()).toMatchObject([{ state: "passing", outdated: true }]);
    // Asked before they came: this answer may be the old one's.
    held.shift()?.();
    await waitUntil("it is asked again", async () => held.length === 1, { withinMs: 20_000, everyMs: 5 });
    expect(prober.readings()).toMatchObject([{ state: "passing", outdated: true }]);
    const changed = prober.changed(new AbortController().signal);
    held.shift()?.();
    await changed;
    expect(await isCurrent()).toBe(true);
    expect(asked).toBe(3);
  });

  it("counts one failure a turn, however often others come", async () => {
    let answer = 200;
    let asked = 0;
    const server = createServer((_request, response) => {
      asked++;
      response.writeHead(answer).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(async () => void server.close());
    const check = { kind: "http", url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, statuses: [200] };
    const { prober, clock } = setUp({ probes: [{ ...COMMAND, from: "runner", check, timeoutMs: 60_000 } as Probe] });
    const state = () => prober.readings()[0]?.state;
    prober.follow(observation([instance("0")]));
    await waitUntil("it passed", async () => state() === "passing", { withinMs: 20_000, everyMs: 5 });
    answer = 502;
    for (let count = 1; count <= 5; count++) {
      prober.follow(observation([instance(String(count))]));
      await waitUntil("it is asked", async () => asked > count, { withinMs: 20_000, everyMs: 5 });
    }
    await waitUntil("the answer came", async () => prober.readings()[0]?.detail.includes("502") === true, {
      withinMs: 20_000,
      everyMs: 5,
    });
    expect(prober.readings()).toMatchObject([{ state: "passing", outdated: true }]);
    for (let turn = 1; turn <= 2; turn++) {
      const before = asked;
      await clock.advance(1_000);
      await waitUntil("it is asked", async () => asked > before, { withinMs: 20_000, everyMs: 5 });
    }
    await waitUntil("it fails", async () => state() === "failing", { withinMs: 20_000, everyMs: 5 });
  });

  it.each([
    ["is ready now", [instance("a", { ready: false })], [instance("a")]],
    ["drains now", [instance("a"), instance("b")], [instance("a"), instance("b", { phase: "draining" })]],
    ["has drained", [instance("a"), instance("b", { phase: "draining" })], [instance("a")]],
    ["has ended", [instance("a"), instance("b")], [instance("a"), instance("b", { endedBy: "engine" })]],
  ])("is outdated when one of them %s", async (_what, before, after) => {
    const server = createServer((_request, response) => response.end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(async () => void server.close());
    const check = { kind: "http", url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, statuses: [200] };
    const { prober } = setUp({ probes: [{ ...COMMAND, from: "runner", check, timeoutMs: 60_000 } as Probe] });
    const isCurrent = async () => prober.readings().every((one) => one.state === "passing" && one.outdated !== true);
    prober.follow(observation(before));
    await waitUntil("it passed", isCurrent, { withinMs: 20_000, everyMs: 5 });
    prober.follow(observation(after));
    expect(prober.readings()).toMatchObject([{ state: "passing", outdated: true }]);
    await waitUntil("it passed again", isCurrent, { withinMs: 20_000, everyMs: 5 });
  });
});

describe("waiting for a change", () => {
  it("wakes when a state changes, not for a new detail", async () => {
    const { prober, clock, state } = setUp();
    prober.follow(observation([instance("a")]));
    prober.readings();
    let woken = 0;
    const waiting = prober.changed(new AbortController().signal).then(() => void woken++);
    await clock.advance(5_000);
    expect(woken).toBe(0);
    state.answer = 0;
    await clock.advance(1_000);
    await waiting;
    expect(woken).toBe(1);
  });

  it("does not sleep over a change since the last readings", async () => {
    const { prober, clock, state } = setUp();
    state.answer = 0;
    prober.follow(observation([instance("a")]));
    await clock.advance(100);
    await prober.changed(new AbortController().signal);
    prober.readings();
    const stop = new AbortController();
    const waiting = prober.changed(stop.signal);
    stop.abort();
    await waiting;
  });

  it("ends when the prober is closed", async () => {
    const { prober } = setUp();
    const waiting = prober.changed(new AbortController().signal);
    await prober.close();
    await waiting;
    await prober.changed(new AbortController().signal);
  });
});

describe("probes that can't be asked from here", () => {
  const http = { kind: "http", url: "http://:8080/x", statuses: [200] } as const;
  const cases: [string, Partial<Probe>, Partial<ProberOptions>, RegExp][] = [
    [
      "an instance behind a remote engine",
      { check: http },
      { engineIsLocal: false },
      /from: instance.*remote.*`command` probe/,
    ],
    ["a remote engine's host", { check: http, from: "target" }, { engineIsLocal: false }, /from: target.*remote/],
    ["a command from the runner", { from: "runner" }, {}, /a command can't be run from the runner.*`from: instance`/],
  ];
  it.each(cases)("%s", (_name, probe, options, message) => {
    expect(() => setUp({ probes: [{ ...COMMAND, ...probe }], ...options })).toThrow(message);
  });

  it("a command where the target runs none", () => {
    const { signal } = new AbortController();
    const options = { probes: [COMMAND], clock: new FakeClock(), signal, log, engineIsLocal: false };
    expect(() => createProber({ ...options, addressOf: async () => undefined })).toThrow("can't run commands");
  });

  it("but commands do work on a remote engine", async () => {
    const { prober, clock, state } = setUp({ engineIsLocal: false });
    state.answer = 0;
    prober.follow(observation([instance("a")]));
    await clock.advance(0);
    expect(prober.readings()[0]?.state).toBe("passing");
  });
});
