import { describe, expect, it } from "vitest";
import { createLog, createRunner, defuse, plainStyle, Redactor, workflowStyle } from "./index.ts";

function written(style: Parameters<typeof createLog>[0], use: (log: ReturnType<typeof createLog>) => void): string {
  const chunks: string[] = [];
  const redactor = new Redactor();
  redactor.add("s3cret-value");
  use(createLog(style, redactor, (text) => chunks.push(text)));
  return chunks.join("");
}

describe("the log of a workflow step", () => {
  it.each([
    "::set-output name=x::1",
    "  ::add-mask::a",
    "ok\n::error::no",
    "a\r::stop-commands::t",
    "\u0085\u3000::set-output name=x::1",
    "##[command]x",
    "from a container: ##[set-output name=x]1",
    "###[add-mask]x ##[stop-commands]t",
  ])("never lets foreign text %j become a command", (text) => {
    const log = written(workflowStyle(), (one) => one.info(text));
    // As the runner reads: `::` after white space of .NET, which knows U+0085, and `##[` wherever it stands.
    const obeyed = log.split(/\r\n|\r|\n/).filter((line) => /^[\s\u0085]*::|##\[/.test(line));
    expect(obeyed).toEqual([]);
  });

  it("escapes what stands in an annotation", () => {
    const text = written(workflowStyle(), (log) => log.error("50% lost\n::warning::x", { file: "a,b:c.ts", line: 3 }));
    expect(text).toBe("::error file=a%2Cb%3Ac.ts,line=3::50%25 lost%0A::warning::x\n");
  });

  it("cleans an annotation's place as its message", () => {
    const at = { title: "s3cret-value \u001b[31mof\u202e", file: "a\u009b\n::error::b" };
    expect(written(workflowStyle(), (log) => log.warn("x", at))).toBe(
      "::warning title=*** of,file=a%0A%3A%3Aerror%3A%3Ab::x\n",
    );
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

describe("the log of a terminal, which folds", () => {
  function folding(): { log: ReturnType<typeof createLog>; text: () => string } {
    const chunks: string[] = [];
    const log = createLog(plainStyle({ fold: true }), new Redactor(), (text) => chunks.push(text));
    return { log, text: () => chunks.join("").replace(/\d+(\.\d+)? m?s/g, "TIME") };
  }

  it("shows a title, what must be seen, and the duration of a group that went well", async () => {
    const { log, text } = folding();
    await log.group("Building web", async () => {
      log.info("layer 1");
      log.warn("old base");
    });
    log.info("after");
    expect(text()).toBe("▸ Building web\nwarning: old base\n▸ Building web: done in TIME\nafter\n");
  });

  it("shows every line, in order, of a group that failed, and of the one in it that went well only its ends", async () => {
    const { log, text } = folding();
    const work = log.group("outer", async () => {
      log.info("one");
      await log.group("inner", async () => log.info("hidden"));
      log.info("two");
      throw new Error("no");
    });
    await expect(work).rejects.toThrow("no");
    expect(text()).toBe("▸ outer\none\n▸ inner\n▸ inner: done in TIME\ntwo\n▸ outer: failed after TIME\n");
  });

  it("keeps groups apart that run side by side, and the output of their processes", async () => {
    const { log, text } = folding();
    const run = createRunner(new Redactor());
    const say = (word: string, code: number) => () =>
      run(process.execPath, ["-e", `setTimeout(() => { console.log("${word}"); process.exitCode = ${code} }, 20)`], {
        doing: word,
        log,
      });
    await Promise.allSettled([
      log.group("good", say("hidden-word", 0), { overlap: true }),
      log.group("bad", say("shown-word", 1), { overlap: true }),
    ]);
    const lines = text().split("\n");
    expect(lines.slice(0, 2)).toEqual(["▸ good", "▸ bad"]);
    expect(lines).toContain("shown-word");
    expect(lines).not.toContain("hidden-word");
  });

  it("writes what a group says after its end", async () => {
    const { log, text } = folding();
    let later = Promise.resolve();
    await log.group("g", async () => {
      later = Promise.resolve().then(async () => {
        await new Promise((done) => setImmediate(done));
        log.info("late");
      });
    });
    await later;
    expect(text()).toBe("▸ g\n▸ g: done in TIME\nlate\n");
  });
});

describe("groups that run side by side, where a runner can show one at a time", () => {
  const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  function turning(): { log: ReturnType<typeof createLog>; text: () => string } {
    const chunks: string[] = [];
    return {
      log: createLog(workflowStyle(), new Redactor(), (text) => chunks.push(text)),
      text: () => chunks.join(""),
    };
  }

  it("are shown one after the other, the first as it goes", async () => {
    const { log, text } = turning();
    const [first, second, third] = [Promise.withResolvers(), Promise.withResolvers(), Promise.withResolvers()];
    const group = (title: string, until: Promise<unknown>): Promise<void> => {
      const work = async (): Promise<void> => {
        log.info(`${title} 1`);
        await until;
        log.info(`${title} 2`);
      };
      return log.group(title, work, { overlap: true });
    };
    const all = [group("a", first.promise), group("b", second.promise), group("c", third.promise)];
    expect(text()).toBe("::group::a\na 1\n");
    third.resolve(undefined);
    await all[2];
    expect(text()).toBe("::group::a\na 1\n");
    first.resolve(undefined);
    await all[0];
    const whole = (name: string): string => `::group::${name}\n${name} 1\n${name} 2\n::endgroup::\n`;
    expect(text()).toBe(`${whole("a")}::group::b\nb 1\n`);
    second.resolve(undefined);
    await Promise.all(all);
    log.info("after");
    expect(text()).toBe(`${whole("a")}${whole("b")}${whole("c")}after\n`);
  });

  it("don't keep back what must be seen, which a hanging group before them would take along, and say it once", async () => {
    const { log, text } = turning();
    const hanging = Promise.withResolvers();
    const first = log.group("a", async () => void (await hanging.promise), { overlap: true });
    const second = log.group(
      "b",
      async () => {
        log.info("b 1");
        log.notice("b 2");
        log.warn("b 3");
        log.error("b 4", { title: "B" });
      },
      { overlap: true },
    );
    await second;
    const urgent = "::notice::b 2\n::warning::b 3\n::error title=B::b 4\n";
    expect(text()).toBe(`::group::a\n${urgent}`);
    hanging.resolve(undefined);
    await first;
    expect(text()).toBe(`::group::a\n${urgent}::endgroup::\n::group::b\nb 1\n::endgroup::\n`);
  });

  it("keep the output of their processes, and what failed is shown whole", async () => {
    const { log, text } = turning();
    const run = createRunner(new Redactor());
    const say = (word: string, code: number) => () =>
      run(
        process.execPath,
        ["-e", `console.log("${word} 1"); console.log("::error::${word} 2"); process.exit(${code})`],
        {
          doing: word,
          log,
        },
      );
    const names = ["a", "b", "c"];
    const all = names.map((word, index) => log.group(word, say(word, index), { overlap: true }));
    const results = await Promise.allSettled(all);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
    const groups = [...text().matchAll(/^::group::(.)\n\$ .*\n\1 1\n\u200b::error::\1 2\n::endgroup::$/gm)];
    expect(groups.map(([, name]) => name)).toEqual(names);
  });

  it("have no groups in them, and what is said after the end of one is nobody's", async () => {
    const { log, text } = turning();
    let late = Promise.resolve();
    const inner = async (): Promise<void> => {
      await log.group("::inner", async () => log.info("one"));
      late = after(1).then(() => log.info("late"));
    };
    await log.group("outer", inner, { overlap: true });
    await late;
    expect(text()).toBe("::group::outer\n\u200b::inner\none\n::endgroup::\nlate\n");
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

  it("leaves alone what the runner does not obey", () => {
    expect(defuse("a ::b:: c ## [d] #[e]")).toBe("a ::b:: c ## [d] #[e]");
  });
});
