import * as z from "zod/mini";

/** A stage as an earlier step wrote it down (`StageReport`). */
export const STAGE_FORM = z.looseObject({
  name: z.enum(["build", "test", "scan", "push", "sign", "deploy", "verify"]),
  state: z.enum(["passed", "failed", "skipped"]),
  durationMs: z.number(),
  detail: z.optional(z.string()),
});
