import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SUMMARY_LIMIT_BYTES, writeSummary } from "./write-summary.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-summary-"));
});

afterEach(() => rm(folder, { recursive: true }));

describe("writeSummary", () => {
  it("adds to what the step wrote already", async () => {
    const path = join(folder, "summary.md");
    await writeFile(path, "before\n");
    expect(await writeSummary(path, "# Rolled back")).toEqual({ done: true, value: undefined });
    expect(await readFile(path, "utf8")).toBe("before\n# Rolled back\n");
  });

  it("never makes the file larger than GitHub keeps", async () => {
    const path = join(folder, "summary.md");
    await writeSummary(path, `# Head\n${"é🌈 line\n".repeat(100_000)}`);
    const text = await readFile(path, "utf8");
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(SUMMARY_LIMIT_BYTES);
    expect(text).toMatch(/^# Head\n[\s\S]*The rest was cut: a job summary holds 1 MiB at most._\n$/);
    expect(text).not.toContain("\uFFFD");
    await writeSummary(path, "more");
    expect(Buffer.byteLength(await readFile(path, "utf8"))).toBeLessThanOrEqual(SUMMARY_LIMIT_BYTES);
  });

  it("says why it could not, and throws nothing", async () => {
    expect(await writeSummary(undefined, "x")).toMatchObject({ done: false, deferred: { reason: "not_found" } });
    expect(await writeSummary(join(folder, "missing", "summary.md"), "x")).toMatchObject({
      done: false,
      deferred: { reason: "rejected" },
    });
  });
});
