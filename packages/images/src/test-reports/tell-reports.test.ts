import { execFile } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createLog, Redactor, workflowStyle } from "@belay/core";
import { createTestLog, type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readReports } from "./read-reports.ts";
import { tellReports } from "./tell-reports.ts";

let root: TemporaryFolder;

beforeEach(async () => {
  root = await temporaryFolder("belay-reports");
  await mkdir(join(root.path, "apps/web/src"), { recursive: true });
  await mkdir(join(root.path, "reports/linux_amd64"), { recursive: true });
  await writeFile(join(root.path, "apps/web/src/cart.test.ts"), "test");
});
afterEach(() => root.remove());

function put(name: string, text: string): Promise<void> {
  return writeFile(join(root.path, "reports", name), text);
}

async function tell(path = join(root.path, "reports")) {
  const lines: string[] = [];
  const warned = createTestLog();
  const reports = await readReports(path, warned.warn);
  const told = tellReports({
    ...{ service: "web", reports, context: join(root.path, "apps/web"), rootOf: async () => root.path },
    log: createLog(workflowStyle(), new Redactor(), (text) => lines.push(text)),
  });
  const error: unknown = await told.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { reports, error, log: lines.join(""), warned: warned.text() };
}

const failing = (name: string, message: string) =>
  `<testsuite name="s"><testcase classname="${name}" name="adds"><failure message="${message}"/></testcase></testsuite>`;

describe("test reports", () => {
  it("of every platform are counted together", async () => {
    await put(
      "a.xml",
      '<testsuite><testcase name="x" time="0.1"/><testcase name="y"><skipped/></testcase></testsuite>',
    );
    await put("linux_amd64/b.xml", '<testsuite><testcase name="z" time="0.2"/></testsuite>');
    await put("notes.txt", "not a report");
    const { reports, error, log } = await tell();
    expect(reports).toMatchObject({ tests: 3, failed: 0, skipped: 1, durationMs: 300 });
    expect(error).toBeUndefined();
    expect(log).toBe("Tests of web: 2 passed, 0 failed, 1 skipped.\n");
    expect((await tell(join(root.path, "reports/**/b.*"))).reports.tests).toBe(1);
    expect((await tell(join(root.path, "reports/a.xml"))).reports.tests).toBe(2);
  });

  it("annotate the tests that failed, at the files of the repository, and fail the run", async () => {
    await put("a.xml", failing("src/cart.test.ts", "boom at /app/src/cart.test.ts:7:11"));
    const { error, log } = await tell();
    expect(error).toMatchObject({ code: "TESTS_FAILED", doing: "testing web" });
    expect(String(error)).toContain("1 of 1 tests failed\nsrc/cart.test.ts › adds: boom at");
    expect(log).toContain("::error title=Test of web failed%3A adds,file=apps/web/src/cart.test.ts,line=7::");
  });

  it("stay data: no command, no file outside, not more than can be read", async () => {
    const hostile = "&#10;::set-output name=a::b&#10;../../../../etc/passwd:1 /etc/passwd:2";
    await put("a.xml", failing("../../../etc/passwd.d", hostile));
    const many = Array.from({ length: 300 }, (_, at) => `<testcase name="t${at}"><error>e</error></testcase>`).join("");
    await put("b.xml", `<testsuite>${many}</testsuite>`);
    const { error, log } = await tell();
    expect(log).not.toMatch(/^::set-output/m);
    expect(log).not.toContain("file=");
    // GitHub shows ten of a step, and the last one says how it ended.
    expect(log.match(/^::error/gm)).toHaveLength(9);
    expect(String(error)).toContain("301 of 301 tests failed");
    expect(String(error)).toContain("and 281 more");
  });

  it("fail by the exit code that the stage kept, though every test that is told passed", async () => {
    await put("a.xml", '<testsuite><testcase name="x"/></testsuite>');
    await put("exit-code", "0\n");
    expect((await tell()).error).toBeUndefined();
    await put("linux_amd64/exit-code", "137\n");
    expect(String((await tell()).error)).toContain("their program ended with exit code 137");
    await put("exit-code", "not a number");
    await put("linux_amd64/exit-code", "");
    expect((await tell()).error).toMatchObject({ code: "TESTS_FAILED" });
  });

  it("that can't be read are told and left out, and links are not followed", async () => {
    await put("broken.xml", "<testsuite><testcase");
    await put("b.xml", '<testsuite><testcase name="x"/></testsuite>');
    await writeFile(join(root.path, "outside.xml"), failing("a", "outside"));
    await symlink(join(root.path, "outside.xml"), join(root.path, "reports/link.xml"));
    await symlink(join(root.path, "apps"), join(root.path, "reports/folder"));
    const { reports, error, warned } = await tell();
    expect(reports).toMatchObject({ tests: 1, failed: 0 });
    expect(error).toBeUndefined();
    expect(warned).toMatch(/broken\.xml can't be read/);
    const linked = await tell(join(root.path, "reports/lin*.xml"));
    expect(linked.reports.tests).toBe(0);
    expect(linked.warned).toContain("link.xml can't be read");
  });

  it("that are no regular files are told and passed over, without waiting for them", async () => {
    await put("b.xml", '<testsuite><testcase name="x"/></testsuite>');
    await promisify(execFile)("mkfifo", [join(root.path, "reports/a.xml")]);
    await mkdir(join(root.path, "reports/c.xml"));
    const { reports, warned } = await tell(join(root.path, "reports/?.xml"));
    expect(reports.tests).toBe(1);
    for (const name of ["a.xml", "c.xml"]) expect(warned).toMatch(`${name} can't be read: it is no regular file`);
    expect((await tell()).reports.tests).toBe(1);
  });
});
