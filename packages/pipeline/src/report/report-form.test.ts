import { Redactor, type ScanSummary } from "@belay/core";
import { renderComment, renderScanPage, renderSummary } from "@belay/github";
import { type OddDocument, oddDocuments, SAMPLE_REPORTS } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import { REPORT_FORM } from "./report-form.ts";
import { SCAN_SUMMARY_FORM } from "./scan-summary-form.ts";

const redactor = new Redactor();

const SCAN: ScanSummary = {
  result: "vulnerable",
  services: [
    {
      ...{ service: "web", result: "vulnerable", headline: "1 finding lets the scan fail", total: 1 },
      rows: [
        {
          ...{ change: "new", effect: "fails", severity: "CRITICAL", id: "CVE-1", link: "https://x", subject: "a 1" },
          ...{ remedy: "fixed in 2", origin: "COPY", because: "it is", platforms: ["linux/amd64"], exploited: true },
        },
      ],
      comparison: { introduced: 1, fixed: 0, unchanged: 0 },
      obstacles: ["one"],
      notes: ["another"],
    },
  ],
  database: { updatedAt: "2026-11-26T06:00:00Z", ageMs: 7_200_000 },
  javaDatabase: { updatedAt: "2026-11-26T06:00:00Z", ageMs: 7_200_000 },
  scanner: "Trivy",
  scanners: ["vuln"],
};

/** Those that are taken, and can't be shown. */
function unshowable(odd: readonly OddDocument[], form: typeof REPORT_FORM, show: (value: never) => unknown): string[] {
  return odd.flatMap(({ what, document }) => {
    const taken = form.safeParse(JSON.parse(JSON.stringify(document)));
    if (!taken.success) return [];
    try {
      show(taken.data as never);
      return [];
    } catch (error) {
      return [`${what}: ${error}`];
    }
  });
}

describe("what an earlier step left", () => {
  it.each(Object.entries(SAMPLE_REPORTS))("is taken when it is right: the report %s", (_name, report) => {
    const written = JSON.parse(JSON.stringify({ ...report, scan: SCAN }));
    expect(REPORT_FORM.parse(written)).toEqual(written);
  });

  it.each(Object.entries(SAMPLE_REPORTS))("is refused or can be shown: the report %s", (_name, report) => {
    const odd = oddDocuments({ ...report, scan: SCAN });
    const found = unshowable(odd, REPORT_FORM, (one) => {
      renderComment(one, { redactor });
      renderSummary(one, { redactor });
    });
    expect(odd.length).toBeGreaterThan(100);
    expect(found).toEqual([]);
  });

  it("is refused or can be shown: what the scan found", () => {
    expect(SCAN_SUMMARY_FORM.parse(SCAN)).toEqual(SCAN);
    const form = SCAN_SUMMARY_FORM as unknown as typeof REPORT_FORM;
    expect(unshowable(oddDocuments(SCAN), form, (one) => renderScanPage(one, redactor))).toEqual([]);
  });
});
