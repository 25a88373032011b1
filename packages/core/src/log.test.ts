import { describe, expect, it } from "vitest";
import { createLog, defuse, plainStyle, Redactor, workflowStyle } from "./index.ts";

function written(style: Parameters<typeof createLog>[0], use: (log: ReturnType<typeof createLog>) => void): string {
  const chunks: string[] = [];
  const redactor = new Redactor();
  redactor.add("s3cret-value");
  use(createLog(style, redactor, (text) => chunks.push(text)));
  return chunks.join("");
}

describe("the log of a workflow step", () => {
  it.each(["::set-output name=x::1", "  ::add-mask::a", "ok\n::error::no", "##[command]x", "a\r::stop-commands::t"])(
    "never lets foreign text %j become a command",
    (text) => {
      const lines = written(workflowStyle(), (log) => log.info(text)).split("\n");
      expect(lines.filter((line) => /^\s*(::|##\[)/.test(line))).toEqual([]);
    },
  );

  it("escapes what stands in an annotation", () => {
    const text = written(workflowStyle(), (log) => log.error("50% lost\n::warning::x", { file: "a,b:c.ts", line: 3 }));
    expect(text).toBe("::error file=a%2Cb%3Ac.ts,line=3::50%25 lost%0A::warning::x\n");
  });

  it("closes a group even when the work fails, and redacts its title", async () => {
    const chunks: string[] = [];
    const redactor = new Redactor();
    redactor.add("s3cret-value");
    const log = createLog(workflowStyle(), redactor, (text) => chunks.push(text));
    await expect(log.group("with s3cret-value", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(chunks).toEqual(["::group::with ***\n", "::endgroup::\n"]);
  });
});

describe("every log", () => {
  it("redacts and takes terminal sequences out", () => {
    const text = written(plainStyle(), (log) => log.info("\u001b[31mred\u001b[0m s3cret-value \u202eabc"));
    expect(text).toBe("red *** abc\n");
  });

  it("hides debug lines unless asked", () => {
    expect(written(plainStyle(), (log) => log.debug("x"))).toBe("");
    expect(written(plainStyle({ debug: true }), (log) => log.debug("x"))).toBe("x\n");
  });

  it("defuses only line starts", () => {
    expect(defuse("a ::b:: c")).toBe("a ::b:: c");
  });
});
