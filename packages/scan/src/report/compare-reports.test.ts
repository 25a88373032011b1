import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTrivyignore } from "../excuses/parse-trivyignore.ts";
import { applyGate, type GateInput } from "../gate/gate.ts";
import { DEFAULT_POLICY, type GatePolicy } from "../gate/gate-policy.ts";
import { type Finding, findingKey } from "./finding.ts";
import { DATABASE, report, secret, vulnerability } from "./report.fixture.ts";

const NOW = new Date("2026-03-01T12:00:00Z");

function gate(findings: readonly Finding[], policy: Partial<GatePolicy> = {}, more: Partial<GateInput> = {}) {
  return applyGate({ policy: { ...DEFAULT_POLICY, ...policy }, reports: [report(findings)], now: NOW, ...more });
}

const effects = (result: ReturnType<typeof gate>) => result.decisions.map((one) => one.effect);

describe("only what is new", () => {
  const old = vulnerability();
  const fresh = vulnerability({ id: "CVE-2021-23337", severity: "HIGH" });
  const gone = vulnerability({ id: "CVE-1" });

  it("fails; what runs already is known, and what went away is listed", () => {
    const baseline = [report([{ ...old, target: "elsewhere", path: "lib/x", platform: "linux/arm64" }, gone])];
    const result = gate([old, fresh], { onlyNew: true }, { baseline });
    expect(result.decisions.map((one) => [one.finding.id, one.effect])).toEqual([
      [fresh.id, "fails"],
      [old.id, "known"],
    ]);
    expect(result.comparison).toEqual({
      introduced: [fresh],
      fixed: [expect.objectContaining({ id: "CVE-1" })],
      unchanged: [old],
      grown: [],
    });
    expect(gate([old], { onlyNew: true }, { baseline })).toMatchObject({ result: "passed" });
  });

  it.each([
    ["secret", secret],
    [
      "misconfiguration",
      (more: { line: number }): Finding => ({ ...secret(more), kind: "misconfiguration", message: "root" }),
    ],
  ])("is a second %s of a kind in a file that has one, and nobody can tell which of them", (_what, at) => {
    const three = [at({ line: 3 }), at({ line: 40 }), at({ line: 41 })];
    const [two, one] = [three.slice(0, 2), [at({ line: 7 })]];
    const judge = (now: readonly Finding[], before: readonly Finding[]) =>
      gate(now, { onlyNew: true }, { baseline: [report(before)] });
    const result = judge(two, one);
    const because = "it is CRITICAL, and the image that runs has fewer of them in this file (lines 3, 40)";
    expect(result).toMatchObject({ result: "vulnerable", decisions: [{ because }, { because }] });
    expect(result.comparison).toEqual({ introduced: [two[0]], fixed: [], unchanged: [], grown: two });
    expect(effects(judge(three, two))).toEqual(["fails", "fails", "fails"]);
    for (const before of [two, three]) expect(effects(judge(two, before))).toEqual(["known", "known"]);
  });

  it("is not the same secret of every platform, nor the same package in a second place", () => {
    const platforms = ["linux/amd64", "linux/arm64"];
    const reports = platforms.map((platform) => report([secret({ platform })], { platform }));
    const packages = [report([old, { ...old, path: "lib/x", target: "elsewhere" }])];
    for (const now of [reports, packages]) {
      const baseline = [report([old, secret()])];
      const result = gate([], { onlyNew: true }, { reports: now, baseline });
      expect(effects(result)).toEqual(["known", "known"]);
    }
  });

  it.each([
    ["2026-03-02", "ignored", /ignores it until 2026-03-02/],
    ["2026-03-01", "fails", /^it is CRITICAL \(\.trivyignore:1 ignored it until 2026-03-01\)$/],
  ] as const)("is also what was ignored until a day, from that day on: exp:%s, %s", (day, effect, because) => {
    const ignores = parseTrivyignore(`${old.id} exp:${day}`);
    const more = { ignores, baseline: [report([old, gone])] };
    const result = gate([old, gone], { onlyNew: true }, more);
    expect(effects(result).sort()).toEqual([effect, "known"].sort());
    expect(result.decisions.find(({ finding }) => finding === old)?.because).toMatch(because);
  });

  it("is all of it when another version of the package runs, or nothing does", () => {
    const baseline = [report([{ ...old, installed: "4.17.10" }])];
    expect(effects(gate([old], { onlyNew: true }, { baseline }))).toEqual(["fails"]);
    expect(effects(gate([old], { onlyNew: true }))).toEqual(["fails"]);
  });

  it.each([
    ["another database", { database: { ...DATABASE, updatedAt: "2026-03-01T00:00:00Z" } }],
    ["another Trivy", { trivyVersion: "0.71.0" }],
  ])("can't be told after a scan with %s: then all of it counts", (_what, more) => {
    const result = gate([old], { onlyNew: true }, { baseline: [report([old], more)] });
    expect(effects(result)).toEqual(["fails"]);
    expect(result.comparison).toEqual({ impossible: expect.stringMatching(/different/) });
    expect(result.notes).toEqual([expect.stringMatching(/^Everything counts as new: /)]);
  });

  it("can't be told without knowing the database", () => {
    const { database: _none, ...unknown } = report([old]);
    expect(effects(gate([old], { onlyNew: true }, { baseline: [unknown] }))).toEqual(["fails"]);
  });

  it("splits findings without loss and without overlap", () => {
    const finding = fc
      .record({
        id: fc.constantFrom("CVE-1", "CVE-2", "CVE-3"),
        package: fc.constantFrom("a", "b"),
        installed: fc.constantFrom("1", "2"),
      })
      .map((one) => vulnerability(one));
    fc.assert(
      fc.property(fc.array(finding), fc.array(finding), (now, before) => {
        const { comparison, decisions } = gate(now, { onlyNew: true }, { baseline: [report(before)] });
        if (comparison === undefined || "impossible" in comparison) throw new Error("they can be compared");
        const keys = (all: readonly Finding[]) => [...new Set(all.map(findingKey))].sort();
        const { introduced, fixed, unchanged } = comparison;
        expect(keys([...introduced, ...unchanged])).toEqual(keys(now));
        expect(keys([...fixed, ...unchanged])).toEqual(keys(before));
        expect(introduced.length + unchanged.length).toBe(keys(now).length);
        const failing = decisions.filter((one) => one.effect === "fails").map((one) => one.finding);
        expect(keys(failing)).toEqual(keys(introduced));
      }),
    );
  });
});
