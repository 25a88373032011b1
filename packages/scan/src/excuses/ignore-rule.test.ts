import { describe, expect, it } from "vitest";
import { secret, vulnerability } from "../report/report.fixture.ts";
import { isExpired, matchesRule } from "./ignore-rule.ts";
import { parseDate } from "./parse-date.ts";
import { parseTrivyignore } from "./parse-trivyignore.ts";
import { parseTrivyignoreYaml } from "./parse-trivyignore-yaml.ts";

describe("a .trivyignore", () => {
  it("has ids, dates, and reasons in comments, with or without a last newline", () => {
    const text =
      "# header\n\n# not reachable:\n# only in tests\nCVE-1\nCVE-2 exp:2026-03-31 # fix is under way\r\n\nCVE-3";
    const { rules, mistakes } = parseTrivyignore(text);
    expect(mistakes).toEqual([]);
    expect(rules.map(({ id, reason, expiresAt, origin }) => [id, reason, expiresAt, origin])).toEqual([
      ["CVE-1", "not reachable: only in tests", undefined, ".trivyignore:5"],
      ["CVE-2", "fix is under way", Date.UTC(2026, 2, 31), ".trivyignore:6"],
      ["CVE-3", undefined, undefined, ".trivyignore:8"],
    ]);
  });

  it.each(["exp:2026-13-01", "exp:2026-02-30", "exp:soon", "exp:", "exp:01-01-2026"])(
    "ignores nothing by a line with %s, and says so",
    (date) => {
      const { rules, mistakes } = parseTrivyignore(`CVE-1 ${date}\nCVE-2`, "x");
      expect(rules.map((rule) => rule.id)).toEqual(["CVE-2"]);
      expect(mistakes).toEqual([expect.stringContaining("x:1: CVE-1 ignores nothing")]);
    },
  );

  it("expires at the beginning of the day, in UTC, as in Trivy", () => {
    const [rule] = parseTrivyignore("CVE-1 exp:2026-03-31").rules;
    if (rule === undefined) throw new Error("no rule");
    expect(isExpired(rule, new Date("2026-03-30T23:59:59.999Z"))).toBe(false);
    expect(isExpired(rule, new Date("2026-03-31T00:00:00Z"))).toBe(true);
  });

  it("means ids as they are written: no prefix, no pattern", () => {
    const { rules } = parseTrivyignore("CVE-2019-1074\n*\nCVE-2019-10744");
    expect(rules.map((rule) => matchesRule(rule, vulnerability()))).toEqual([false, false, true]);
  });
});

describe("a .trivyignore.yaml", () => {
  const yaml = `
vulnerabilities:
  - id: CVE-2019-10744
    paths: ["app/**/package.json"]
    purls: ["pkg:npm/lodash"]
    expired_at: 2026-04-01
    statement: only in
      tests
  - id: CVE-2
    purls: [lodash]
secrets:
  - id: github-pat
    expired_at: never
`;
  it("has entries by kind; what can't be read ignores nothing", () => {
    const { rules, mistakes } = parseTrivyignoreYaml(yaml);
    expect(rules).toEqual([
      {
        id: "CVE-2019-10744",
        kinds: ["vulnerability"],
        paths: ["app/**/package.json"],
        purls: [expect.objectContaining({ type: "npm", name: "lodash" })],
        expiresAt: Date.UTC(2026, 3, 1),
        reason: "only in tests",
        origin: ".trivyignore.yaml vulnerabilities[0]",
      },
    ]);
    expect(mistakes).toEqual([
      ".trivyignore.yaml vulnerabilities[1]: CVE-2 ignores nothing, because lodash is no package URL",
      ".trivyignore.yaml secrets[0]: github-pat ignores nothing, because its expired_at is no date",
    ]);
  });

  it.each([
    ["a misspelt key", "vulnerabilities: [{ id: a, expires_at: 2026-01-01 }]"],
    ["an unknown section", "vulnerabilites: []"],
    ["an entry without id", "secrets: [{ paths: [a] }]"],
    ["no YAML", "a: [b"],
    ["a list", "- a"],
  ])("is refused with %s", (_what, text) => {
    expect(() => parseTrivyignoreYaml(text)).toThrowError(expect.objectContaining({ code: "INVALID_INPUT" }));
  });

  it("may be empty", () => {
    expect(parseTrivyignoreYaml("# nothing yet\n")).toEqual({ rules: [], mistakes: [] });
  });

  it.each([
    ["of the kind", { kinds: ["secret" as const] }, false],
    ["by the file", { paths: ["app/node_modules/**"] }, true],
    ["by the target", { paths: ["Node*"] }, true],
    ["by another file", { paths: ["lib/**"] }, false],
  ])("means findings %s", (_what, more, expected) => {
    const rule = {
      id: "CVE-2019-10744",
      kinds: ["vulnerability" as const],
      paths: [],
      purls: [],
      origin: "x",
      ...more,
    };
    expect(matchesRule(rule, vulnerability())).toBe(expected);
  });

  it("for packages means no finding whose package is unknown", () => {
    const [rule] = parseTrivyignoreYaml("vulnerabilities: [{ id: CVE-2019-10744, purls: ['pkg:npm/lodash'] }]").rules;
    if (rule === undefined) throw new Error("no rule");
    const { purl: _none, ...unnamed } = vulnerability();
    expect(matchesRule(rule, vulnerability())).toBe(true);
    expect(matchesRule(rule, unnamed)).toBe(false);
    expect(matchesRule({ ...rule, id: "github-pat", kinds: ["secret"] }, secret())).toBe(false);
  });
});

it.each([
  ["2026-03-31", Date.UTC(2026, 2, 31)],
  ["2026-03-31T12:00:00+02:00", Date.UTC(2026, 2, 31, 10)],
  ["2024-02-29", Date.UTC(2024, 1, 29)],
  ["2026-02-29", undefined],
  ["2026-3-1", undefined],
  ["31.03.2026", undefined],
])("the date %s", (text, expected) => expect(parseDate(text)).toBe(expected));
