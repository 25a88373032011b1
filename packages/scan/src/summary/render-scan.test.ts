import MarkdownIt from "markdown-it";
import { describe, expect, it } from "vitest";
import { parseTrivyignore } from "../excuses/parse-trivyignore.ts";
import { applyGate, type GateInput } from "../gate/gate.ts";
import { DEFAULT_POLICY } from "../gate/gate-policy.ts";
import { report, secret, vulnerability } from "../report/report.fixture.ts";
import { couldNotScan, ScanError } from "../trivy/could-not-scan.ts";
import { renderScan } from "./render-scan.ts";
import { scanTable } from "./scan-table.ts";

const NOW = new Date("2026-03-01T12:00:00Z");
const gate = (more: Partial<GateInput>) =>
  applyGate({ policy: DEFAULT_POLICY, reports: [report([])], now: NOW, ...more });
const markdown = new MarkdownIt({ html: true });

describe("the summary of a scan", () => {
  it("says what fails, where it comes from, and what fixes it, once for all platforms", () => {
    const layer = { createdBy: "COPY . /app # buildkit" };
    const link = "https://avd.aquasec.com/nvd/cve-2019-10744";
    const reports = ["linux/amd64", "linux/arm64"].map((platform) =>
      report([vulnerability({ platform, layer, link })], { platform }),
    );
    const text = renderScan(gate({ reports }), "web");
    expect(text).toContain("**web: 1 finding lets the scan fail.**");
    expect(text).toContain(
      "| CRITICAL | [`CVE-2019-10744`](https://avd.aquasec.com/nvd/cve-2019-10744) | `lodash 4.17.11` | fixed in 4.17.12 | `COPY . /app` | `linux/amd64`, `linux/arm64` |",
    );
    expect(text).toContain("6 h old.");
  });

  it("lists what is ignored with its reason and day, new and fixed, and what was not scanned", () => {
    const policy = { ...DEFAULT_POLICY, onlyNew: true };
    const ignores = parseTrivyignore("CVE-2019-10744 exp:2026-04-01 # not called\nCVE-9 exp:2026-01-01");
    const obstacles = [couldNotScan(new ScanError("rate_limited", { doing: "scanning" }), "linux/arm64")];
    const baseline = [report([vulnerability({ id: "CVE-7" })])];
    const text = renderScan(
      gate({ policy, ignores, obstacles, baseline, reports: [report([vulnerability()])] }),
      "web",
    );
    expect(text).toContain("Could not scan linux/arm64");
    expect(text).toContain("| `CVE-2019-10744` | `.trivyignore:1` | not called | 2026-04-01 | 1 |");
    expect(text).toContain("| `CVE-9` | `.trivyignore:2` | no reason is given | expired 2026-01-01 | 0 |");
    expect(text).toContain("1 new, 1 fixed, 0 unchanged");
  });

  it("keeps outside text what it is", () => {
    const evil = "`|</td>\n\n# x <img src=x onerror=alert(1)> @acme/team [a](javascript:alert(1)) ::error::y";
    const finding = vulnerability({
      id: evil,
      package: evil,
      installed: evil,
      fixed: evil,
      layer: { createdBy: evil },
      link: "javascript:alert(1)",
    });
    const obstacles = [couldNotScan(new ScanError("scanner_failed", { doing: evil, got: evil }))];
    const html = markdown.render(
      renderScan(gate({ reports: [report([finding, secret({ target: evil })])], obstacles }), evil),
    );
    expect(html).not.toMatch(/<img|<h1|href="javascript|<a /);
    expect(html.match(/<tr>/g)).toHaveLength(3);
  });

  it("has a bounded number of rows", () => {
    const many = Array.from({ length: 60 }, (_none, index) => vulnerability({ id: `CVE-${index}` }));
    const text = renderScan(gate({ reports: [report(many)] }), "web");
    expect(text.match(/^\| CRITICAL/gm)).toHaveLength(25);
    expect(text).toContain("… and 35 more");
  });
});

it("the table of a scan has every finding in columns", () => {
  const findings = [vulnerability({ severity: "LOW" }), secret()];
  const lines = scanTable(gate({ reports: [report(findings)] })).split("\n");
  expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
    ["", "SEVERITY", "WHAT", "IN", "REMEDY", "WHY"],
    [
      "✗",
      "CRITICAL",
      "github-pat",
      "/app/settings.sh:3",
      "revoke it, and take it out of every layer",
      "it is CRITICAL",
    ],
    ["·", "LOW", "CVE-2019-10744", "lodash 4.17.11", "fixed in 4.17.12", "only CRITICAL, HIGH fails"],
  ]);
  expect(scanTable(gate({}))).toBe("");
});
