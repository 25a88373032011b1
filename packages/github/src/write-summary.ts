import { appendFile, stat } from "node:fs/promises";
import { messageOf } from "@belay/core";
import { deferred, done, type Reported } from "./reported.ts";

/** A step's summary is dropped as a whole when it is larger (docs: "Workflow commands", "Step isolation and limits"). */
export const SUMMARY_LIMIT_BYTES = 1024 * 1024;

/**
 * Appends Markdown to the job summary (`GITHUB_STEP_SUMMARY`). What does not fit beside what the step already wrote is
 * cut at the end of a line, with a note.
 */
export async function writeSummary(path: string | undefined, markdown: string): Promise<Reported<void>> {
  if (path === undefined || path === "")
    return deferred("not_found", "The job summary: GITHUB_STEP_SUMMARY is not set.");
  try {
    const written = await sizeOf(path);
    await appendFile(
      path,
      cutToBytes(markdown.endsWith("\n") ? markdown : `${markdown}\n`, SUMMARY_LIMIT_BYTES - written),
    );
    return done(undefined);
  } catch (error) {
    return deferred("rejected", `Writing the job summary to ${path}: ${messageOf(error)}`);
  }
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
  return found?.size ?? 0;
}

const CUT_NOTE = "\n\n_The rest was cut: a job summary holds 1 MiB at most._\n";

function cutToBytes(text: string, limit: number): string {
  if (Buffer.byteLength(text) <= limit) return text;
  const room = limit - Buffer.byteLength(CUT_NOTE);
  if (room <= 0) return "";
  const kept = Buffer.from(text)
    .subarray(0, room)
    .toString("utf8")
    .replace(/\uFFFD+$/, "");
  return `${kept.slice(0, kept.lastIndexOf("\n") + 1)}${CUT_NOTE}`;
}
