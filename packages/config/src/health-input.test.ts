import { BelayError } from "@belay/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { messageOf, problemLines, thrownBy } from "./example.fixture.ts";
import { parseHealthInput } from "./index.ts";

const read = (text: string, services = ["web"]) => parseHealthInput(text, services);
const OK = Array.from({ length: 100 }, (_, index) => 200 + index);

describe("the input `health`", () => {
  it("needs no more than an address", () => {
    expect(read("http://127.0.0.1:8080/healthz")).toEqual([
      {
        service: "web",
        from: "runner",
        check: { kind: "http", url: "http://127.0.0.1:8080/healthz", statuses: OK },
        intervalMs: 1_000,
        timeoutMs: 2_000,
        retries: 3,
      },
    ]);
  });

  it("has one probe a line, with service, who asks and settings", () => {
    const text = `
      # the instances themselves
      web instance http://:8080/healthz interval=500ms timeout=1s retries=5 status=200,3xx

      db tcp://[::1]:5432
      web target https://shop.example/`;
    expect(read(text, ["web", "db"]).map(({ service, from }) => `${service} ${from}`)).toEqual([
      "web instance",
      "db runner",
      "web target",
    ]);
  });

  it.each([
    [
      "web instance http://:8080/x retries=5 interval=500ms",
      { service: "web", from: "instance", retries: 5, intervalMs: 500 },
    ],
    ["instance tcp://:5432", { from: "instance", check: { kind: "tcp", host: "", port: 5432 } }],
    ["web tcp://[::1]:5432", { from: "runner", check: { kind: "tcp", host: "::1", port: 5432 } }],
    ["http://h/ status=200,304", { check: { kind: "http", url: "http://h/", statuses: [200, 304] } }],
    ["- { from: instance, http: 'http://:80/' }", { from: "instance", service: "web" }],
    [
      "[{ command: [pg_isready, -q] }]",
      { from: "instance", check: { kind: "command", command: ["pg_isready", "-q"] } },
    ],
  ])("%s", (text, probe) => {
    expect(read(text)).toMatchObject([probe]);
  });

  it.each([
    ["web instance", 'input `health`, line 1: "web instance" is no probe. Write it as `service from address`'],
    ["wbe http://h/", "input `health`, line 1: no service is called `wbe`. Did you mean `web`? Services: web."],
    [
      "web instanc http://h/",
      '`[0].from` is "instanc". Did you mean `instance`? Legal values: runner, target, instance.',
    ],
    ["http://h/ retry=3", 'input `health`, line 1: "retry=3" is none of interval=, timeout=, retries=, status=.'],
    ["http://h/ retries=x", '`[0].retries` is "x". Legal values: a whole number, 1 to 100.'],
    ["http://h/ status=2", "Legal values: a status such as 200, a class such as 2xx, or a list of them."],
    ["http://a:b@h/", "`[0].http` is"],
    ["http:///x", "names no host"],
    ["\n- http: 'http://h/'\n- htp: x", 'input `health`, line 3: unknown key "htp" in `[1]`. Did you mean `http`?'],
    ["- [", "input `health`, line 1: not valid YAML"],
    ["- x", "`[0]` is"],
  ])("refuses %j", (text, message) => {
    expect(thrownBy(() => read(text))).toMatchObject({ code: "INVALID_INPUT", exitCode: 2 });
    expect(messageOf(() => read(text))).toContain(message);
  });

  it("tells all problems at once, each with its line", () => {
    const lines = problemLines(() => read("nothing\n\nweb http://h/ interval=1\nhttp://h/ interval=1ms\nhttp://good/"));
    expect(lines.map((line) => line.slice(0, 22))).toEqual(["input `health`, line 1", "input `health`, line 3"]);
    expect(problemLines(() => read("\nhttp://h/ interval=1ms"))).toEqual([
      'input `health`, line 2: `interval` is "1ms". Legal values: 100 ms to 24 h.',
    ]);
  });

  it("needs the service where there are several", () => {
    expect(messageOf(() => read("http://h/", ["web", "db"]))).toContain("a probe names no service. Services: web, db.");
  });

  it("reads or refuses any text", () => {
    const word = fc.constantFrom(
      "web",
      "instance",
      "http://h/",
      "tcp://:1",
      "status=",
      "retries=0",
      "- ",
      "[",
      "{a: ",
      "\n",
      "#",
      "*a",
      "command",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(word).map((words) => words.join(" ")),
    );
    fc.assert(
      fc.property(text, (input) => {
        const error = thrownBy(() => read(input));
        expect(error === undefined || error instanceof BelayError).toBe(true);
        expect(String(error)).not.toContain("Invalid input");
      }),
      { numRuns: 500 },
    );
  });
});
