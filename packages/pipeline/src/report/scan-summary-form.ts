import * as z from "zod/mini";

const text = z.string();
const texts = z.array(text);
const result = z.enum(["passed", "vulnerable", "could_not_scan", "off"]);
const database = z.optional(z.looseObject({ updatedAt: text, ageMs: z.number() }));

const row = z.looseObject({
  change: z.optional(z.enum(["new", "fixed", "unchanged"])),
  effect: z.optional(z.enum(["fails", "known", "reported", "ignored"])),
  severity: text,
  id: text,
  link: z.optional(text),
  subject: text,
  remedy: text,
  origin: text,
  because: z.optional(text),
  platforms: texts,
  exploited: z.optional(z.boolean()),
});

const comparison = z.union([
  z.looseObject({ introduced: z.number(), fixed: z.number(), unchanged: z.number() }),
  z.looseObject({ impossible: text }),
]);

const service = z.looseObject({
  service: text,
  result,
  partial: z.optional(z.literal(true)),
  headline: text,
  rows: z.array(row),
  total: z.number(),
  comparison: z.optional(comparison),
  obstacles: texts,
  notes: texts,
});

/** What the scan of the job has to tell, as its step wrote it down (`ScanSummary`). */
export const SCAN_SUMMARY_FORM = z.looseObject({
  result,
  services: z.array(service),
  database,
  javaDatabase: database,
  scanner: z.optional(text),
  scanners: z.optional(texts),
});
