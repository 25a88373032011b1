import { expect, it } from "vitest";
import { explainBuilderFailure } from "./explain-builder-failure.ts";

const BOOTING = [
  "#1 [internal] booting buildkit",
  "#1 ERROR: Error response from daemon: no such image",
  "------",
  " > [internal] booting buildkit:",
  "------",
  "WARNING: No output specified with docker-container driver.",
  "ERROR: failed to build: Error response from daemon: no such image",
].join("\n");

const explain = (driver: string, output: string) =>
  explainBuilderFailure({ kind: "buildx", name: "own", driver }, "building web", output);

it("tells a builder that did not start from a build that failed", () => {
  expect(explain("docker-container", BOOTING)).toMatchObject({
    code: "BUILD_FAILED",
    got: "the builder own (driver docker-container) did not start: Error response from daemon: no such image",
    next: expect.stringMatching(/^`docker buildx inspect --bootstrap own` tries it alone\. .*`docker logs`/),
  });
  const waiting = BOOTING.replaceAll("booting buildkit", "waiting for connection");
  expect(explain("remote", waiting)?.got).toMatch(/^the builder own \(driver remote\) does not answer: /);
  expect(explain("kubernetes", BOOTING)?.next).toContain("kubectl describe pods");
});

it("takes no step's words for it", () => {
  const step =
    "#5 0.1  > [internal] booting buildkit:\n------\n > [2/2] RUN make:\n0.1  > [internal] booting buildkit:\n";
  expect(explain("docker-container", step)).toBeUndefined();
  expect(explainBuilderFailure({ kind: "legacy" }, "building web", BOOTING)).toBeUndefined();
});
