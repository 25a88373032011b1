/** Names of the buckets are those of Trivy's database, schema 2 (trivy-db, `pkg/vulnsrc`). */
export const NPM = "npm::GitHub Security Advisory Npm";
export const MAVEN = "maven::GitHub Security Advisory Maven";
export const DEBIAN = "debian 12";

/** Advisory statuses are numbers there (trivy-db, `pkg/types/status.go`); only for what has no fixed version. */
const AFFECTED = 2;
const WILL_NOT_FIX = 5;

const SEVERITIES = { LOW: 1, MEDIUM: 2, HIGH: 3, CRITICAL: 4 } as const;

interface Advisory {
  readonly bucket: string;
  /** As the bucket names it: of Debian the source package, of Maven `group:artifact`. */
  readonly package: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface KnownVulnerability {
  readonly severity: keyof typeof SEVERITIES;
  readonly title: string;
  readonly cvss?: readonly [vector: string, score: number];
  readonly advisory: Advisory;
}

function library(bucket: string, name: string, fixed: string, id: string, from = ""): Advisory {
  const affected = `${from === "" ? "" : `>=${from}, `}<${fixed}`;
  return {
    bucket,
    package: name,
    value: { PatchedVersions: [fixed], VulnerableVersions: [affected], VendorIDs: [id] },
  };
}

function debian(name: string, value: Advisory["value"]): Advisory {
  return { bucket: DEBIAN, package: name, value };
}

/** True ones, of well-known packages, with the facts of their public records. */
export const VULNERABILITIES: Readonly<Record<string, KnownVulnerability>> = {
  "CVE-2019-10744": {
    severity: "CRITICAL",
    title: "lodash: prototype pollution through defaultsDeep",
    cvss: ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:H", 9.1],
    advisory: library(NPM, "lodash", "4.17.12", "GHSA-jf85-cpcp-j695"),
  },
  "CVE-2021-23337": {
    severity: "HIGH",
    title: "lodash: commands can be injected through template",
    cvss: ["CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H", 7.2],
    advisory: library(NPM, "lodash", "4.17.21", "GHSA-35jh-r3h4-6jhm"),
  },
  "CVE-2020-7598": {
    severity: "MEDIUM",
    title: "minimist: prototype pollution through constructor or __proto__",
    cvss: ["CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:L", 5.6],
    advisory: library(NPM, "minimist", "1.2.3", "GHSA-vh95-rmgr-6w4m", "1.0.0"),
  },
  "CVE-2021-44228": {
    severity: "CRITICAL",
    title: "log4j-core: remote code through a JNDI look-up in a message",
    cvss: ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10],
    advisory: library(MAVEN, "org.apache.logging.log4j:log4j-core", "2.15.0", "GHSA-jfh8-c2jp-5v3q", "2.13.0"),
  },
  "CVE-2023-4911": {
    severity: "HIGH",
    title: "glibc: the loader overflows a buffer for GLIBC_TUNABLES",
    cvss: ["CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8],
    advisory: debian("glibc", { FixedVersion: "2.36-9+deb12u3", VendorIDs: ["DSA-5514-1"] }),
  },
  "CVE-2010-4756": {
    severity: "MEDIUM",
    title: "glibc: glob can use up processor and memory",
    advisory: debian("glibc", { Severity: SEVERITIES.LOW, Status: AFFECTED }),
  },
  "CVE-2023-45853": {
    severity: "CRITICAL",
    title: "zlib: an integer overflows in MiniZip",
    cvss: ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8],
    advisory: debian("zlib", { Status: WILL_NOT_FIX }),
  },
};

const SOURCES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [NPM]: { ID: "ghsa", Name: NPM.slice("npm::".length), URL: "https://github.com/advisories?query=ecosystem%3Anpm" },
  [MAVEN]: {
    ID: "ghsa",
    Name: MAVEN.slice("maven::".length),
    URL: "https://github.com/advisories?query=ecosystem%3Amaven",
  },
  [DEBIAN]: { ID: "debian", Name: "Debian Security Tracker", URL: "https://security-tracker.debian.org/tracker" },
};

/** One value of the bbolt file. */
export interface DatabaseEntry {
  readonly buckets: readonly string[];
  readonly key: string;
  readonly value: unknown;
}

/** All of the database's content, without the vulnerabilities named. */
export function databaseEntries(without: readonly string[] = []): DatabaseEntry[] {
  const sources = Object.entries(SOURCES).map(([key, value]) => ({ buckets: ["data-source"], key, value }));
  const known = Object.entries(VULNERABILITIES).filter(([id]) => !without.includes(id));
  return [
    ...sources,
    ...known.flatMap(([key, vulnerability]) => [
      {
        buckets: [vulnerability.advisory.bucket, vulnerability.advisory.package],
        key,
        value: vulnerability.advisory.value,
      },
      { buckets: ["vulnerability"], key, value: detailOf(vulnerability) },
    ]),
  ];
}

/** Without this row Trivy calls a finding's severity UNKNOWN. */
function detailOf({ severity, title, cvss, advisory }: KnownVulnerability): unknown {
  const level = SEVERITIES[severity];
  const source = SOURCES[advisory.bucket]?.ID ?? "nvd";
  return {
    Title: title,
    Description: title,
    Severity: severity,
    VendorSeverity: { [source === "debian" ? "nvd" : source]: level, nvd: level },
    ...(cvss === undefined ? {} : { CVSS: { nvd: { V3Vector: cvss[0], V3Score: cvss[1] } } }),
  };
}
