import type { Finding, LeakedSecret, Vulnerability } from "./finding.ts";
import type { ScanReport } from "./scan-report.ts";

export const DATABASE = { schema: 2, updatedAt: "2026-03-01T06:00:00Z" };

export function vulnerability(more: Partial<Vulnerability> = {}): Vulnerability {
  return {
    kind: "vulnerability",
    severity: "CRITICAL",
    id: "CVE-2019-10744",
    title: "lodash: prototype pollution",
    target: "Node.js",
    package: "lodash",
    installed: "4.17.11",
    fixed: "4.17.12",
    status: "fixed",
    path: "app/node_modules/lodash/package.json",
    purl: "pkg:npm/lodash@4.17.11",
    aliases: ["GHSA-jf85-cpcp-j695"],
    platform: "linux/amd64",
    ...more,
  };
}

export function secret(more: Partial<LeakedSecret> = {}): LeakedSecret {
  return {
    kind: "secret",
    severity: "CRITICAL",
    id: "github-pat",
    title: "GitHub token",
    target: "/app/settings.sh",
    category: "GitHub",
    line: 3,
    ...more,
  };
}

export function report(findings: readonly Finding[], more: Partial<ScanReport> = {}): ScanReport {
  return {
    image: "ghcr.io/acme/shop",
    platform: "linux/amd64",
    trivyVersion: "0.72.0",
    database: DATABASE,
    coverage: {
      os: { family: "debian", name: "12.5", endOfLife: false },
      osPackages: true,
      libraries: ["node-pkg"],
      packages: 12,
      dockerfile: "checked",
    },
    scope: { scanners: ["vuln", "secret"] },
    findings,
    ...more,
  };
}
