import { describe, expect, it } from "vitest";
import { createRunner, Redactor } from "./index.ts";

const run = createRunner(new Redactor());
const node = process.execPath;

describe("the process runner", () => {
  it("takes the exit code as the truth, whatever is on stderr", async () => {
    const noisy = await run(node, ["-e", "console.error('a warning')"]);
    expect(noisy).toMatchObject({ exitCode: 0, stderr: "a warning\n" });
    await expect(run(node, ["-e", "process.exit(3)"])).rejects.toThrow("exit code 3 and said nothing");
  });

  it("passes arguments as data, never through a shell", async () => {
    const hostile = ["$(touch /tmp/x)", "`id`", "a b", "--flag", "quote\"'", "new\nline"];
    const result = await run(node, ["-e", "console.log(JSON.stringify(process.argv.slice(1)))", "--", ...hostile]);
    expect(JSON.parse(result.stdout)).toEqual(hostile);
  });

  it("ends a process at its deadline, even one that ignores SIGTERM", async () => {
    const stubborn = "process.on('SIGTERM',()=>{});setInterval(()=>{},1e3)";
    await expect(run(node, ["-e", stubborn], { deadlineMs: 300 })).rejects.toMatchObject({ code: "TIMED_OUT" });
  });

  it("ends what a process started with it, on Linux, when it is told to", async () => {
    const seconds = 10_000 + process.pid;
    const stubborn = `trap '' TERM; (trap '' TERM; sleep ${seconds}.5 >/dev/null 2>&1) & sleep ${seconds}`;
    const running = run("sh", ["-c", stubborn], { deadlineMs: 500, withChildren: true });
    await expect(running).rejects.toMatchObject({ code: "TIMED_OUT" });
    if (process.platform !== "linux") return;
    // Those that were ended stay in the list until somebody has asked for them, without a command line.
    const left = async () => (await run("pgrep", ["-f", `sleep ${seconds}`], { allowedExitCodes: [1] })).stdout;
    await expect.poll(left, { timeout: 30_000 }).toBe("");
  });

  it("ends a process when the signal aborts, with the signal's own reason", async () => {
    const abort = new AbortController();
    const running = run(node, ["-e", "setInterval(()=>{},1e3)"], { signal: abort.signal });
    setTimeout(() => abort.abort(new Error("the job was cancelled")), 100);
    await expect(running).rejects.toThrow("the job was cancelled");
  });

  it("gives input on stdin and secrets by environment, and redacts them in errors", async () => {
    const redactor = new Redactor();
    redactor.add("s3cret-value");
    const secret = createRunner(redactor);
    const code = "process.stdin.on('data',d=>{console.error(String(d)+process.env.TOKEN);process.exit(9)})";
    const failing = secret(node, ["-e", code], { input: "hello ", env: { TOKEN: "s3cret-value" } });
    await expect(failing).rejects.toThrow("hello ***");
  });

  it("gives a program no more of its own variables than it is told to", async () => {
    const names = ["-e", "console.log(Object.keys(process.env).sort().join())"];
    const { stdout } = await run(node, names, { inherit: ["PATH", "NOT_SET_HERE"], env: { MORE: "1" } });
    expect(stdout.trim().split(",")).toEqual(["MORE", "PATH"]);
    expect((await run(node, names)).stdout.split(",").length).toBeGreaterThan(2);
  });

  it("does not fall over a program that ends and does not read its input", async () => {
    for (let count = 0; count < 10; count++) {
      expect((await run("true", [], { input: "x".repeat(1_000_000) })).exitCode).toBe(0);
    }
  });

  it("says which tool is missing", async () => {
    await expect(run("no-such-tool-here", [])).rejects.toMatchObject({ code: "TOOL_MISSING" });
  });
});
