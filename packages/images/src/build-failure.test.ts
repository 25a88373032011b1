import { describe, expect, it } from "vitest";
import { readFailure } from "./build-failure.ts";

const DOCKERFILE = "ARG BASE\nFROM $BASE AS source\n\nFROM source AS test\nRUN npm   test\n";

const NEW_BUILDKIT = `#7 [test 1/1] RUN npm test
#7 0.147 1 test failed
------
 > [test 1/1] RUN npm test:
0.147 1 test failed
------
Dockerfile:5
--------------------
   3 |
   4 |     FROM source AS test
   5 | >>> RUN npm test
--------------------
ERROR: failed to build: failed to solve: process "/bin/sh -c npm test" did not complete successfully: exit code: 3
`;
const OLD_BUILDKIT = `#7 ERROR: executor failed running [/bin/sh -c npm test]: exit code: 3
------
 > [test 1/1] RUN npm test:
------
executor failed running [/bin/sh -c npm test]: exit code: 3
`;
const LEGACY = `Step 1/5 : ARG BASE
Step 2/5 : FROM $BASE AS source
Step 4/5 : FROM source AS test
 ---> 062fd1364464
Step 5/5 : RUN npm test
 ---> Running in fdc77aa33075
1 test failed
The command '/bin/sh -c npm test' returned a non-zero code: 3
`;

describe("a builder's output", () => {
  it.each([
    ["BuildKit 0.25", NEW_BUILDKIT],
    ["BuildKit of Docker 20.10", OLD_BUILDKIT],
    ["the legacy builder", LEGACY],
  ])("of %s names the stage, the instruction, the line and the exit code", (_name, output) => {
    expect(readFailure(output, DOCKERFILE)).toEqual({
      stage: "test",
      instruction: "RUN npm test",
      line: 5,
      exitCode: 3,
      // Docker 20.10 leaves it to the lines before.
      ...(output === OLD_BUILDKIT ? {} : { output: "1 test failed" }),
    });
  });

  it("has no stage where the Dockerfile names none, and a platform where there are several", () => {
    expect(readFailure(" > [2/3] RUN make:\n", "")).toEqual({ instruction: "RUN make" });
    expect(readFailure(" > [linux/arm64 build 2/3] RUN make:\n", "")).toEqual({
      stage: "build",
      instruction: "RUN make",
    });
    expect(readFailure("Step 1/2 : FROM base:1\nStep 2/2 : RUN x\n", "")).toEqual({ stage: "0", instruction: "RUN x" });
  });

  it("has the failed step's own output and not that of the others", () => {
    const said = "#9 [api 2/2] RUN b\n#9 0.2 fine\n------\n > [web 2/3] RUN make:\n0.101 one\n12.9 two\n------\n";
    expect(readFailure(said, "")).toMatchObject({ output: "one\ntwo" });
    const own = "Step 1/2 : RUN a\n fine\nStep 2/2 : RUN b\n ---> Running in 1\none\ntwo\n";
    expect(readFailure(own, "")).toMatchObject({ instruction: "RUN b", output: "one\ntwo" });
  });

  it("names the line of a mistake in the Dockerfile", () => {
    const marked =
      "Dockerfile:2\n----\n   1 |     FROM scratch\n   2 | >>> RUNN x\n----\nERROR: failed to solve: dockerfile parse error on line 2: unknown instruction: RUNN\n";
    expect(readFailure(marked, "")).toEqual({ line: 2 });
    expect(readFailure("Error response from daemon: dockerfile parse error line 7: unknown\n", "")).toEqual({
      line: 7,
    });
  });

  it("tells nothing that is not there", () => {
    expect(readFailure("ERROR: failed to solve: target stage nope could not be found\n", DOCKERFILE)).toEqual({});
    expect(readFailure("Step 1/2 : RUN x\n", "RUN x\nRUN x\n")).not.toHaveProperty("line");
    const missing = " > [internal] load metadata for docker.io/library/none:1:\n";
    expect(readFailure(missing, DOCKERFILE)).toEqual({});
  });
});
