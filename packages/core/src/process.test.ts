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

  it.each([
    ["that ignores SIGTERM, as it does", (sleep: string) => `trap '' TERM; (${sleep}.5) & ${sleep}; true`, 2],
    ["because of SIGTERM", (sleep: string) => `trap '${sleep}.7; true' TERM; ${sleep}; true`, 1],
  ])("ends with a process, on Linux, what it started %s", async (_how, script, count) => {
    if (process.platform !== "linux") return;
    const seconds = 10_000_000 + process.pid;
    // Those that were ended stay in the list until somebody has asked for them, without a command line.
    const sleeping = async (): Promise<string[]> => {
      const { stdout } = await run("pgrep", ["-f", `^sleep ${seconds}`], { allowedExitCodes: [1] });
      return stdout.split("\n").filter((line) => line !== "");
    };
    const abort = new AbortController();
    const text = script(`sleep ${seconds}`);
    // A pipe that one of them held open would be waited for.
    const running = run("sh", ["-c", `{ ${text}; } >/dev/null 2>&1`], { signal: abort.signal, withChildren: true });
    const ended = expect(running).rejects.toThrow("the job was cancelled");
    await expect.poll(sleeping, { timeout: 60_000 }).toHaveLength(count);
    abort.abort(new Error("the job was cancelled"));
    await ended;
    await expect.poll(sleeping, { timeout: 60_000 }).toEqual([]);
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

  it("says that an argument or a variable is too long for the machine", async () => {
    if (process.platform !== "linux") return;
    const long = "x".repeat(200_000);
    for (const started of [run(node, ["-e", "0"], { env: { LONG: long } }), run(node, ["-e", "0", long])]) {
      await expect(started).rejects.toMatchObject({
        code: "INVALID_INPUT",
        got: expect.stringContaining("has more than 128 KiB"),
      });
    }
  });
});
