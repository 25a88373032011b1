import * as z from "zod/mini";
import { FORMATS } from "./formats.ts";
import { FIX_STATUS_NAMES, SCAN_SEVERITIES, SCANNER_NAMES } from "./scan-words.ts";
import { about, choice, duration, exactly, flag, list, section, whole } from "./schema-parts.ts";

const path = (description: string) => exactly(FORMATS.path, description);
const files = (description: string) =>
  z.optional(list(description, exactly(FORMATS.path, "A file."), 0, "a list of files"));
const repositories = (description: string) =>
  z.optional(
    list(description, exactly(FORMATS.word, "A repository."), 1, "a list such as [registry.example/trivy-db:2]"),
  );

const legalSeverities = `none, or a list of ${SCAN_SEVERITIES.join(", ")}`;
/** `none` as the input says it; a list that is empty says the same. */
const severities = (description: string) => {
  const some = z.array(choice(SCAN_SEVERITIES, "A severity."), { error: () => legalSeverities });
  const none = z.enum(["none"], { error: () => legalSeverities });
  return z.optional(about(z.union([none, some], { error: () => legalSeverities }), description));
};

const legalChance = { error: () => "a number, 0 to 1" };
const chance = z.number(legalChance).check(z.gte(0, legalChance), z.lte(1, legalChance));

/** What may differ from service to service. */
const gate = {
  "fail-on": severities("Severities that fail the scan. Default: [CRITICAL, HIGH]. none, or empty: none does."),
  "ignore-unfixed": z.optional(flag("Ignore vulnerabilities that no version fixes. Default: false.")),
  "ignore-status": z.optional(
    list(
      "Ignore vulnerabilities of these statuses, such as will_not_fix.",
      choice(FIX_STATUS_NAMES, "A status."),
      0,
      `a list of ${FIX_STATUS_NAMES.join(", ")}`,
    ),
  ),
  "ignore-files": files(
    "Files in Trivy's formats that name what to ignore. Default: .trivyignore and .trivyignore.yaml, where they are.",
  ),
  vex: files("VEX documents (OpenVEX, CycloneDX, CSAF) that say what does not affect you."),
  "only-new": z.optional(
    flag("Fail only for what the running release does not have too. Needs an environment. Default: false."),
  ),
  "fail-on-exploited": z.optional(
    flag("Fail on what is known to be exploited, whatever its severity; needs `kev`. Default: true."),
  ),
  "fail-on-probability": z.optional(
    about(chance, "Fail from this chance of being exploited, whatever the severity; needs `epss`."),
  ),
  "allow-unknown-os": z.optional(
    flag("Pass an image in which no package was recognised, such as one static program. Default: false."),
  ),
  "allow-partial": z.optional(
    flag(
      "Pass an image of which only a part was looked at (no vuln in `scanners`, or a report that left something out), and tell so. Default: false.",
    ),
  ),
};

const run = {
  scanners: z.optional(
    list(
      "What is looked for. Default: [vuln, secret].",
      choice(SCANNER_NAMES, "A scanner."),
      1,
      `a list of ${SCANNER_NAMES.join(", ")}`,
    ),
  ),
  "max-db-age": z.optional(duration("An older database of vulnerabilities is not used. Default: 3d.")),
  "max-java-db-age": z.optional(
    duration(
      "An older database of Java archives names none of them, and an image that has one could not be scanned. Default: 14d.",
    ),
  ),
  "update-db": z.optional(
    flag("Download a newer database when there is one. Default: true. Off: what is in the cache has to do."),
  ),
  "db-repository": repositories(
    "Where the database comes from, the first that has it. Default: Trivy's own and its mirror.",
  ),
  "java-db-repository": repositories("The same for the database of Java archives."),
  timeout: z.optional(duration("For one platform of one image. Default: 5m.")),
  parallel: z.optional(whole("Platforms scanned at a time. Default: 2.", 1, 32)),
  "cache-dir": z.optional(
    path(
      "Folder for databases and results, relative to this file. Default: Trivy's own (TRIVY_CACHE_DIR, ~/.cache/trivy).",
    ),
  ),
  server: z.optional(
    exactly(FORMATS.url, "Address of a Trivy server, which has the database. Its token: TRIVY_TOKEN."),
  ),
  kev: z.optional(path("CISA's known_exploited_vulnerabilities.json, relative to this file.")),
  epss: z.optional(path("FIRST's scores of how likely each vulnerability is exploited (CSV, unpacked).")),
};

const ABOUT = "Whether images are scanned, and what stops one. `off` lets images be pushed that nobody looked at.";

const switched = z.enum(["on", "off"], { error: () => "on, off, or a mapping such as { fail-on: [CRITICAL] }" });
const either = { error: () => "on, off, or a mapping such as { fail-on: [CRITICAL] }" };

/** `scan` of the file and of an environment. */
export const scanSchema = about(
  z.union([switched, section("The scan and its gate.", { ...gate, ...run })], either),
  ABOUT,
);

/** `scan` of a service. */
export const scanOverride = about(
  z.union([switched, section("What differs for this service.", gate)], either),
  "What differs for this service's image.",
);

export type ScanData = z.infer<typeof scanSchema>;
export type ScanOverrideData = z.infer<typeof scanOverride>;
