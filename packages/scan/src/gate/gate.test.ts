import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTrivyignore } from "../excuses/parse-trivyignore.ts";
import { FIX_STATUSES, type Finding } from "../report/finding.ts";
import { report, secret, vulnerability } from "../report/report.fixture.ts";
import { SEVERITIES } from "../report/severity.ts";
import { couldNotScan, ScanError } from "../trivy/could-not-scan.ts";
import { applyGate, type GateInput } from "./gate.ts";
import { DEFAULT_POLICY, type GatePolicy } from "./gate-policy.ts";

const NOW = new Date("2026-03-01T12:00:00Z");

function gate(findings: readonly Finding[], policy: Partial<GatePolicy> = {}, more: Partial<GateInput> = {}) {
  return applyGate({ policy: { ...DEFAULT_POLICY, ...policy }, reports: [report(findings)], now: NOW, ...more });
}

const effects = (result: ReturnType<typeof gate>) => result.decisions.map((one) => one.effect);

describe("severities", () => {
  it.each([
    ["CRITICAL", "fails"],
    ["HIGH", "fails"],
    ["MEDIUM", "reported"],
    ["LOW", "reported"],
    ["UNKNOWN", "reported"],
  ] as const)("%s %s by default", (severity, effect) => {
    const result = gate([vulnerability({ severity })]);
    expect(effects(result)).toEqual([effect]);
    expect(result).toMatchObject(
      effect === "fails" ? { result: "vulnerable", exitCode: 10 } : { result: "passed", exitCode: 0 },
    );
  });

  it("reports everything, the worst first, whatever may fail", () => {
    const findings = [vulnerability({ severity: "LOW" }), secret(), vulnerability({ id: "CVE-0", severity: "MEDIUM" })];
    const result = gate(findings, { failOn: [] });
    expect(result.decisions.map((one) => one.finding.severity)).toEqual(["CRITICAL", "MEDIUM", "LOW"]);
    expect(result).toMatchObject({ result: "passed" });
  });

  it("fails on the kinds that it is told", () => {
    expect(effects(gate([secret()]))).toEqual(["fails"]);
    expect(effects(gate([secret()], { kinds: ["vulnerability"] }))).toEqual(["reported"]);
  });
});

describe("what is ignored", () => {
  it("is what has no fix, where that is said", () => {
    for (const status of FIX_STATUSES) {
      const expected = status === "fixed" ? "fails" : "ignored";
      expect(effects(gate([vulnerability({ status })], { ignoreUnfixed: true }))).toEqual([expected]);
      expect(effects(gate([vulnerability({ status })]))).toEqual(["fails"]);
    }
    expect(effects(gate([secret()], { ignoreUnfixed: true }))).toEqual(["fails"]);
  });

  it("is what has a status that is named", () => {
    const policy = { ignoreStatuses: ["will_not_fix"] as const };
    expect(effects(gate([vulnerability({ status: "will_not_fix" })], policy))).toEqual(["ignored"]);
    expect(effects(gate([vulnerability({ status: "affected" })], policy))).toEqual(["fails"]);
  });

  it("is what a file names, until it expires; every line is listed", () => {
    const ignores = parseTrivyignore(
      "CVE-2019-10744 exp:2026-03-02 # under way\nCVE-2 exp:2026-03-01\nCVE-3\nCVE-4 exp:x",
    );
    const result = gate([vulnerability(), vulnerability({ id: "CVE-2" })], {}, { ignores });
    expect(result.decisions.map((one) => [one.finding.id, one.effect, one.because])).toEqual([
      ["CVE-2", "fails", "it is CRITICAL (.trivyignore:2 ignored it until 2026-03-01)"],
      ["CVE-2019-10744", "ignored", ".trivyignore:1 ignores it until 2026-03-02: under way"],
    ]);
    expect(result.ignores).toEqual([
      {
        id: "CVE-2019-10744",
        origin: ".trivyignore:1",
        reason: "under way",
        expiresAt: "2026-03-02T00:00:00.000Z",
        expired: false,
        findings: 1,
      },
      { id: "CVE-2", origin: ".trivyignore:2", expiresAt: "2026-03-01T00:00:00.000Z", expired: true, findings: 1 },
      { id: "CVE-3", origin: ".trivyignore:3", expired: false, findings: 0 },
    ]);
    expect(result.notes).toEqual([expect.stringContaining("CVE-4 ignores nothing")]);
  });

  it("is what a VEX document excuses, listed with its reason", () => {
    const statement = {
      vulnerabilities: ["GHSA-jf85-cpcp-j695"],
      products: [
        {
          purl: { type: "npm", namespace: "", name: "lodash", version: "", qualifiers: {}, subpath: "" },
          components: [],
        },
      ],
      status: "not_affected" as const,
      reason: "not called",
      saidAt: 0,
      origin: "vex.json statements[0]",
    };
    const result = gate([vulnerability()], {}, { statements: [statement] });
    expect(result.decisions[0]).toMatchObject({
      effect: "ignored",
      because: "vex.json statements[0] says not_affected: not called",
    });
    expect(result.ignores).toEqual([
      {
        id: "GHSA-jf85-cpcp-j695",
        origin: "vex.json statements[0]",
        reason: "not called",
        expired: false,
        findings: 1,
      },
    ]);
    expect(effects(gate([vulnerability()], {}, { statements: [{ ...statement, status: "affected" }] }))).toEqual([
      "fails",
    ]);
  });
});

describe("what attackers use", () => {
  const low = vulnerability({ severity: "LOW" });
  it("fails whatever its severity when it is in CISA's catalogue", () => {
    const threats = new Map([[low.id, { exploitedSince: "2021-12-10" }]]);
    const result = gate([vulnerability({ id: "CVE-1" }), low], {}, { threats });
    expect(result.decisions[0]).toMatchObject({
      finding: { id: low.id },
      effect: "fails",
      because: "it is LOW, and known to be exploited (CISA, 2021-12-10)",
    });
    expect(effects(gate([low], { failOnExploited: false }, { threats }))).toEqual(["reported"]);
  });

  it("fails from a probability on", () => {
    const threats = new Map([[low.id, { probability: 0.5 }]]);
    expect(effects(gate([low], { failOnProbability: 0.5 }, { threats }))).toEqual(["fails"]);
    expect(effects(gate([low], { failOnProbability: 0.51 }, { threats }))).toEqual(["reported"]);
    expect(effects(gate([low], { failOnProbability: 0 }))).toEqual(["reported"]);
  });
});

describe("what could not be scanned", () => {
  const obstacle = couldNotScan(new ScanError("rate_limited", { doing: "scanning" }), "linux/arm64");

  it("is a result of its own, and what is proven vulnerable stays that", () => {
    expect(gate([], {}, { obstacles: [obstacle] })).toMatchObject({ result: "could_not_scan", exitCode: 11 });
    expect(gate([vulnerability()], {}, { obstacles: [obstacle] })).toMatchObject({
      result: "vulnerable",
      exitCode: 10,
    });
    expect(gate([], {}, { reports: [] })).toMatchObject({ result: "could_not_scan", exitCode: 11 });
  });

  const nothing = { osPackages: false, libraries: [], packages: 0, dockerfile: "nothing" } as const;

  it("is an image in which nothing was recognised, unless that is allowed", () => {
    const reports = [report([], { coverage: nothing })];
    const result = gate([], {}, { reports });
    expect(result).toMatchObject({
      result: "could_not_scan",
      obstacles: [{ obstacle: "unknown_os", platform: "linux/amd64", message: expect.stringContaining("busybox") }],
    });
    expect(gate([], { allowUnknownOs: true }, { reports })).toMatchObject({ result: "passed" });
    expect(gate([], { kinds: ["secret"] }, { reports })).toMatchObject({ result: "passed" });
  });

  it("is an image whose Dockerfile could not be read, where that was to be looked at", () => {
    const { coverage } = report([]);
    const scanners = ["vuln", "secret", "misconfig"] as const;
    const of = (dockerfile: typeof coverage.dockerfile) => [
      report([], { coverage: { ...coverage, dockerfile }, scope: { scanners } }),
    ];
    const unread = gate([], { scanners }, { reports: of("unreadable") });
    expect(unread).toMatchObject({
      ...{ result: "could_not_scan", exitCode: 11 },
      obstacles: [{ obstacle: "unread_dockerfile", message: expect.stringMatching(/here-document.*`allow-partial`/) }],
    });
    const allowed = gate([], { scanners, allowPartial: true }, { reports: of("unreadable") });
    const note = expect.stringContaining("nobody could read what its Dockerfile did");
    expect(allowed).toMatchObject({ result: "passed", partial: true, notes: [note] });
    const secrets = [report([], { coverage: { ...coverage, dockerfile: "unreadable" } })];
    const [told] = gate([], { scanners }, { reports: secrets }).obstacles;
    expect(told).toMatchObject({ obstacle: "partial_scan", message: expect.not.stringContaining("Dockerfile") });
    expect(gate([], {}, { reports: of("unreadable") })).toMatchObject({ result: "passed" });
    for (const dockerfile of ["checked", "nothing"] as const) {
      expect(gate([], { scanners }, { reports: of(dockerfile) })).toMatchObject({ result: "passed" });
    }
  });

  it.each([
    ["vulnerabilities", { scanners: ["secret"] }, {}, /nobody looked for vulnerabilities/],
    ["vulnerabilities, which the settings leave out", { scanners: ["secret"] }, { scanners: ["secret"] }, /vulnerab/],
    ["secrets", { scanners: ["vuln"] }, {}, /nobody looked for secrets/],
    [
      "what the settings add",
      { scanners: ["vuln", "secret"] },
      { scanners: ["license"] },
      /nobody looked for licences/,
    ],
    ["libraries", { scanners: ["vuln", "secret"], packages: ["os"] }, {}, /of its packages only os counted/],
    ["a folder", { scanners: ["vuln", "secret"], skipped: ["app\n"] }, {}, /left out was app/],
    ["nobody knows what", undefined, {}, /nobody knows what was looked for/],
  ] as const)(
    "is an image of which only a part was looked at, without %s, unless that is allowed",
    (_what, scope, policy, why) => {
      const { scope: _whole, ...unknown } = report([]);
      const reports = [scope === undefined ? unknown : { ...unknown, scope }];
      const result = gate([], policy, { reports });
      expect(result).toMatchObject({ result: "could_not_scan", exitCode: 11, partial: false });
      expect(result.obstacles).toEqual([
        { obstacle: "partial_scan", platform: "linux/amd64", message: expect.stringMatching(why) },
      ]);
      const allowed = gate([], { ...policy, allowPartial: true }, { reports });
      expect(allowed).toMatchObject({ result: "passed", partial: true, notes: [expect.stringMatching(why)] });
      expect(allowed.scanners).toEqual(scope?.scanners);
      expect(gate([secret()], policy, { reports: [{ ...unknown, findings: [secret()] }] }).result).toBe("vulnerable");
    },
  );

  it("is none without vulnerabilities where the gate asks for no severity", () => {
    const reports = [report([], { scope: { scanners: ["secret"] } })];
    const policy = { scanners: ["secret"], failOn: [] } as const;
    expect(gate([], policy, { reports })).toMatchObject({ result: "passed", partial: false, scanners: ["secret"] });
    expect(gate([], { ...policy, failOnProbability: 0.1 }, { reports })).toMatchObject({ result: "could_not_scan" });
  });

  it("is told when it is a part of the image", () => {
    const coverage = {
      ...nothing,
      libraries: ["jar"],
      packages: 3,
      os: { family: "wolfix", name: "1", endOfLife: true },
    };
    const why = "only jar was checked, because Trivy found no packages of wolfix 1, or knows no advisories for it";
    const old = "ghcr.io/acme/shop (linux/amd64): wolfix 1 is at its end of life, and gets no security fixes.";
    const reports = [report([], { coverage })];
    expect(gate([], {}, { reports })).toMatchObject({
      result: "could_not_scan",
      obstacles: [{ obstacle: "unknown_os", message: expect.stringContaining(why) }],
      notes: [old],
    });
    const allowed = gate([], { allowUnknownOs: true }, { reports });
    expect(allowed).toMatchObject({ result: "passed", notes: [old, `ghcr.io/acme/shop (linux/amd64): ${why}.`] });
    const libraries = [report([], { coverage, scope: { scanners: ["vuln", "secret"], packages: ["library"] } })];
    expect(gate([], { allowPartial: true }, { reports: libraries }).result).toBe("passed");
  });

  const jar = { ...nothing, libraries: ["jar"], packages: 1 };
  it.each([
    ["one library and nothing else", jar, "passed"],
    ["the same, as Trivy calls it", { ...jar, os: { family: "none", name: "", endOfLife: false } }, "passed"],
    ["a library in something in which a shell ran", { ...jar, shell: true }, "could_not_scan"],
  ] as const)("is judged by what %s tells of a distribution", (_what, coverage, result) => {
    const reports = [report([], { coverage })];
    expect(gate([], {}, { reports }).result).toBe(result);
    const allowed = gate([], { allowUnknownOs: true }, { reports });
    expect(allowed).toMatchObject({ result: "passed", notes: [expect.stringContaining("only jar was checked")] });
  });
});

it("tells the age of the oldest database", () => {
  const reports = [report([]), report([], { database: { schema: 2, updatedAt: "2026-03-01T00:00:00Z" } })];
  expect(gate([], {}, { reports }).database).toEqual({
    schema: 2,
    updatedAt: "2026-03-01T00:00:00Z",
    ageMs: 12 * 3_600_000,
  });
});

it("never passes a finding that nothing excuses (property)", () => {
  const finding = fc.record({
    severity: fc.constantFrom(...SEVERITIES),
    id: fc.constantFrom("CVE-1", "CVE-2"),
    status: fc.constantFrom(...FIX_STATUSES),
  });
  const policy = fc.record({
    failOn: fc.subarray([...SEVERITIES]),
    ignoreUnfixed: fc.boolean(),
    ignoreStatuses: fc.subarray([...FIX_STATUSES]),
    onlyNew: fc.boolean(),
  });
  const file = fc.constantFrom("", "CVE-1", "CVE-1 exp:2026-03-01", "CVE-1 exp:2027-01-01", "CVE-1 exp:never");
  fc.assert(
    fc.property(fc.array(finding), policy, file, (found, given, text) => {
      const result = gate(found.map(vulnerability), given, { ignores: parseTrivyignore(text) });
      const ignored = (one: Finding) =>
        one.kind === "vulnerability" &&
        ((one.id === "CVE-1" && ["CVE-1", "CVE-1 exp:2027-01-01"].includes(text)) ||
          (given.ignoreUnfixed && one.status !== "fixed") ||
          given.ignoreStatuses.includes(one.status));
      const fails = (one: Finding) => given.failOn.includes(one.severity) && !ignored(one);
      expect(result.decisions).toHaveLength(found.length);
      for (const one of result.decisions) expect(one.effect === "fails").toBe(fails(one.finding));
      expect(result.exitCode).toBe(result.decisions.some((one) => fails(one.finding)) ? 10 : 0);
    }),
  );
});
