import { Redactor, type ScanRow, type ScanSummary } from "@belay/core";
import { renderMarkdown, SAMPLE_REPORTS } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import { renderComment } from "./render-comment.ts";
import { renderScanPage } from "./render-scan-page.ts";

const redactor = new Redactor();

function row(more: Partial<ScanRow>): ScanRow {
  return {
    change: "new",
    effect: "fails",
    severity: "CRITICAL",
    id: "CVE-2019-10744",
    link: "https://avd.aquasec.com/nvd/cve-2019-10744",
    subject: "lodash 4.17.11",
    remedy: "fixed in 4.17.12",
    origin: "COPY node_modules node_modules",
    because: "it is CRITICAL",
    platforms: ["linux/amd64"],
    ...more,
  };
}

const { effect: _none, ...found } = row({ id: "CVE-2021-44228", subject: "log4j-core 2.14.1" });
const FIXED: ScanRow = { ...found, change: "fixed" };
const KNOWN = row({
  change: "unchanged",
  effect: "known",
  severity: "HIGH",
  id: "CVE-2023-45853",
  subject: "zlib 1.2",
});

function scan(more: Partial<ScanSummary["services"][number]> = {}): ScanSummary {
  const result = more.result ?? "vulnerable";
  const comparison = { introduced: 1, fixed: 1, unchanged: 1 };
  const headline = "1 finding lets the scan fail";
  const web = { service: "web", result, headline, rows: [row({}), FIXED, KNOWN], total: 3, comparison };
  return {
    result,
    services: [{ ...web, obstacles: [], notes: [], ...more }],
    database: { updatedAt: "2026-11-26T06:00:00Z", ageMs: 7_200_000 },
    scanner: "Trivy 0.72.0",
  };
}

const failed = (told: ScanSummary): string => {
  const reason = told.result === "vulnerable" ? "vulnerabilities_found" : "scan_could_not_run";
  const message = `scanning the images: web: ${told.services[0]?.headline}\n  a line of the log`;
  return renderComment({ ...SAMPLE_REPORTS.tests_failed, reason, message, scan: told }, { redactor });
};
const deployed = (told: ScanSummary): string =>
  renderComment({ ...SAMPLE_REPORTS.succeeded, scan: told }, { redactor });

describe("the scan in the comment", () => {
  it("tells openly what stopped the release: what is new, where it comes from and what to do", () => {
    const text = failed(scan());
    expect(text).toContain("Vulnerabilities found");
    expect(text).toContain("| `web` | **vulnerable** | 1 | 1 | 1 | 1 finding lets the scan fail |");
    expect(text).toContain(
      "| **new**, **fails** | CRITICAL | [`CVE-2019-10744`](https://avd.aquasec.com/nvd/cve-2019-10744) | `lodash 4.17.11` | fixed in 4.17.12 | `COPY node_modules node_modules` |",
    );
    expect(text).toMatch(/\| fixed \| CRITICAL \| \[`CVE-2021-44228`\]/);
    expect(text).toContain("<details><summary>Known, harmless or ignored (1)</summary>");
    expect(text).not.toContain("a line of the log");
    expect(text).toContain("Trivy 0.72.0, database of 2026\\-11\\-26T06");
  });

  it("is one folded line where all is well", () => {
    const text = deployed(scan({ result: "passed", headline: "Nothing was found that lets the scan fail" }));
    expect(text).toContain("<summary>Scan: passed (1 new, 1 fixed, 1 unchanged)</summary>");
    expect(text).not.toContain("**Scan**");
  });

  it("is never green, and never folded, where nobody looked or nothing is known", () => {
    const off = deployed({ result: "off", services: scan({ result: "off", rows: [], total: 0 }).services });
    expect(off).toContain("⚠️ **Not scanned:** `web`. The settings switch it off (`scan: off`)");
    expect(off).not.toContain("Scan: passed");
    const part = scan({ result: "passed" });
    const mixed = deployed({
      ...part,
      services: [...part.services, ...scan({ service: "db", result: "off" }).services],
    });
    expect(mixed).toContain("⚠️ **Not scanned:** `db`");
    expect(mixed).not.toContain("<summary>Scan: passed");
    const unknown = failed(
      scan({ result: "could_not_scan", rows: [], total: 0, obstacles: ["linux/arm64: scanning it: no database."] }),
    );
    expect(unknown).toContain("**could not be scanned**");
    expect(unknown).toMatch(/- `web`: linux\/arm64:.* no database\./);
    expect(unknown).not.toContain("🟢");
  });

  it("says openly that only a part was looked at, what was sought, and how old each database is", () => {
    const headline = "Nothing was found that lets the scan fail, but only a part was looked at";
    const part = scan({
      result: "passed",
      partial: true,
      headline,
      notes: ["web: nobody looked for vulnerabilities."],
    });
    const text = deployed({
      ...part,
      scanners: ["secret"],
      javaDatabase: { updatedAt: "2026-11-20T00:00:00Z", ageMs: 6 * 86_400_000 },
    });
    expect(text).toContain("**Scan**");
    expect(text).not.toContain("<summary>Scan: passed");
    expect(text).toContain("| ⚠️ **looked at in part** |");
    expect(text).toContain("nobody looked for vulnerabilities");
    expect(text).toContain("looked for secret, database of 2026\\-11\\-26");
    expect(text).toMatch(/of Java archives: 2026\\-11\\-20T00.*, 144 h old/);
  });

  it("says why there is no comparison, and on which platforms where they differ", () => {
    const text = failed(
      scan({
        comparison: { impossible: "what runs could not be read" },
        rows: [row({ platforms: ["linux/arm64"] }), row({ id: "CVE-1", platforms: ["linux/amd64", "linux/arm64"] })],
      }),
    );
    expect(text).toContain("`web` was not compared with what runs: what runs could not be read.");
    expect(text).toContain("`lodash 4.17.11` on `linux/arm64`");
  });

  it("keeps outside text text", () => {
    const evil = "x`|<img src=x>@acme\n::error::";
    const told = scan({
      rows: [row({ id: evil, subject: evil, remedy: evil, origin: evil, link: "javascript:alert(1)" })],
      notes: [evil],
      obstacles: [evil],
      headline: evil,
    });
    for (const text of [failed(told), renderScanPage(told, redactor)]) {
      expect(renderMarkdown(text)).not.toMatch(/<img|href="javascript/);
      expect(text).not.toMatch(/^::/m);
      const rows = text.split("\n").filter((line) => line.startsWith("| **new**"));
      expect(rows).toHaveLength(1);
    }
  });
});
