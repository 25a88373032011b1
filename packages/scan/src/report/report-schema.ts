import { z } from "zod";
import { SEVERITIES } from "./severity.ts";

/**
 * What Belay reads of Trivy's JSON report, schema 2 (trivy, `pkg/types/report.go`). Unknown members are left out, so
 * that a newer Trivy can be read; Go's `omitempty` makes most of them optional. A severity that nobody knows is refused:
 * taken for a harmless one, it would pass the gate.
 */
const text = z.string();
const optional = text.optional();
const severity = z.enum(SEVERITIES);

const layer = z.object({ Digest: optional, DiffID: optional, CreatedBy: optional }).optional();

const cvss = z.record(text, z.object({ V3Score: z.number().optional(), V40Score: z.number().optional() })).optional();

const vulnerability = z.object({
  VulnerabilityID: text.min(1),
  VendorIDs: z.array(text).nullish(),
  PkgName: text.min(1),
  PkgPath: optional,
  PkgIdentifier: z.object({ PURL: optional }).optional(),
  InstalledVersion: optional,
  FixedVersion: optional,
  Status: optional,
  Layer: layer,
  PrimaryURL: optional,
  Title: optional,
  // An embedded structure of its own in Go: left out when the database has no row for it.
  Severity: severity.default("UNKNOWN"),
  CVSS: cvss,
});

const secret = z.object({
  RuleID: text.min(1),
  Category: text.default(""),
  Severity: severity,
  Title: text.default(""),
  StartLine: z.number().default(0),
  Layer: layer,
});

const misconfiguration = z.object({
  ID: text.min(1),
  Title: text.default(""),
  Message: text.default(""),
  Resolution: optional,
  Severity: severity,
  PrimaryURL: optional,
  Status: optional,
  Layer: layer,
  CauseMetadata: z.object({ StartLine: z.number().optional() }).optional(),
});

const licence = z.object({
  Severity: severity,
  Category: text.default(""),
  PkgName: optional,
  FilePath: optional,
  Name: text.min(1),
  Link: optional,
});

const result = z.object({
  Target: text,
  Class: optional,
  Type: optional,
  Packages: z.array(z.unknown()).nullish(),
  Vulnerabilities: z.array(vulnerability).nullish(),
  Secrets: z.array(secret).nullish(),
  Misconfigurations: z.array(misconfiguration).nullish(),
  Licenses: z.array(licence).nullish(),
});

const databaseMetadata = z.object({ Version: z.number(), UpdatedAt: text });

const step = z.object({ created_by: optional, empty_layer: z.boolean().optional() });

const metadata = z.object({
  OS: z.object({ Family: text, Name: text.default(""), EOSL: z.boolean().default(false) }).nullish(),
  ImageID: optional,
  ImageConfig: z
    .object({
      ...{ os: optional, architecture: optional, variant: optional },
      history: z.array(step).nullish(),
      rootfs: z.object({ diff_ids: z.array(text).nullish() }).nullish(),
    })
    .optional(),
});

export const REPORT_SCHEMA = z.object({
  SchemaVersion: z.literal(2),
  Trivy: z
    .object({ Version: optional, Server: z.object({ VulnerabilityDB: databaseMetadata.optional() }).optional() })
    .optional(),
  CreatedAt: optional,
  ArtifactName: text,
  ArtifactType: text,
  Metadata: metadata.default({}),
  Results: z.array(result).nullish(),
});

export type TrivyReport = z.infer<typeof REPORT_SCHEMA>;
export type TrivyResult = z.infer<typeof result>;
export type TrivyStep = z.infer<typeof step>;
