import { messageOf, oneLine } from "@belay/core";
import type { z } from "zod";
import { ScanError } from "../trivy/could-not-scan.ts";

/** JSON of a form that is known. @throws ScanError broken_report, with the first thing in it that is wrong */
export function readChecked<T>(
  json: string,
  schema: z.ZodType<T>,
  told: { readonly doing: string; readonly next: string },
): T {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new ScanError("broken_report", { ...told, got: `it is no JSON (${messageOf(error)})`, cause: error });
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const got = oneLine(`${issue?.path.join(".") || "the document"}: ${issue?.message ?? "it is not as expected"}`);
  throw new ScanError("broken_report", { ...told, got });
}
