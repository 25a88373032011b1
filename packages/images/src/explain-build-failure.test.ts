import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createLog, Redactor, workflowStyle } from "@belay/core";
import { type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { explainBuildFailure, type FailedBuild } from "./explain-build-failure.ts";

let root: TemporaryFolder;

beforeEach(async () => {
  root = await temporaryFolder("belay-explain");
  await mkdir(join(root.path, "apps/web"), { recursive: true });
  await writeFile(join(root.path, "apps/web/Dockerfile"), "FROM base\nRUN make\n");
});
afterEach(() => root.remove());

function output(said: string): string {
  const marked = "Dockerfile:2\n---\n   1 |     FROM base\n   2 | >>> RUN make\n---\n";
  const end = 'ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 2\n';
  return `#5 [2/2] RUN make\n------\n > [2/2] RUN make:\n${said}\n------\n${marked}${end}`;
}

async function explain(more: Partial<FailedBuild>) {
  const lines: string[] = [];
  const redactor = new Redactor();
  redactor.add("hunter2-secret");
  const context = join(root.path, "apps/web");
  const error = await explainBuildFailure({
    ...{
      service: "web",
      builder: { kind: "buildx", name: "own", driver: "docker-container" } as const,
      context,
      testing: false,
      output: output("0.1 broken"),
      exitCode: 1,
    },
    directory: join(root.path, "apps"),
    rootOf: async () => root.path,
    log: createLog(workflowStyle(), redactor, (text) => lines.push(text)),
    ...more,
  });
  return { error, log: lines.join("") };
}

describe("a failed build", () => {
  it("annotates the line in the repository, and names it as belay.yaml would", async () => {
    const { error, log } = await explain({});
    expect(error).toMatchObject({ code: "BUILD_FAILED", doing: "building web" });
    expect(error.got).toBe("web/Dockerfile:2: RUN make ended with exit code 2. Its last output:\nbroken\n");
    expect(log).toBe(
      "::error title=Build of web failed,file=apps/web/Dockerfile,line=2::web/Dockerfile:2: RUN make ended with exit code 2%0Abroken\n",
    );
  });

  it("keeps what a step wrote data: no command, no secret, not the whole of it", async () => {
    const hostile = "0.1 ::set-output name=a::b\n0.2 %0A::error::x\n0.3 hunter2-secret\r\n";
    const many = Array.from({ length: 500 }, (_, index) => `0.4 line ${index}`).join("\n");
    const { error, log } = await explain({ output: output(`${many}\n${hostile}`) });
    expect(log.split("\n").filter((line) => line.includes("::"))).toHaveLength(1);
    expect(log).toContain("%250A::error::x");
    expect(log).not.toContain("hunter2");
    expect(error.got.split("\n").length).toBeLessThan(40);
  });

  it("of tests is a failed test only when a step of the test stage failed", async () => {
    expect((await explain({ testing: true })).error.code).toBe("TESTS_FAILED");
    const other = output("").replace("[2/2]", "[deps 2/2]");
    expect(
      (await explain({ testing: true, target: "test", output: other.replace("[2/2]", "[deps 2/2]") })).error.code,
    ).toBe("BUILD_FAILED");
  });

  it.each([
    ["exec /bin/sh: exec format error", "setup-qemu-action"],
    ["failed to solve: toomanyrequests: You have reached your pull rate limit", "log in to it"],
    ["failed to convert agent config {default [] false}: invalid empty ssh agent socket", "start one in a step before"],
    ["failed to convert agent config {a [/b] false}: stat /b: no such file or directory", "correct the path"],
    ["write /a: no space left on device", "docker buildx prune"],
  ])("says what to do about %s", async (said, next) => {
    expect((await explain({ output: output(`0.1 ${said}`) })).error.next).toContain(next);
  });

  it("says that there is no Dockerfile, and annotates nothing outside of the repository", async () => {
    const { error } = await explain({ dockerfile: join(root.path, "apps/web/No") });
    expect(error.next).toContain("There is no web/No");
    const { log } = await explain({ rootOf: async () => join(root.path, "elsewhere") });
    expect(log).toMatch(/^::error title=Build of web failed::/);
  });
});
