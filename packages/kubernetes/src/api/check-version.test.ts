import { createTestLog } from "@belay/testkit";
import { expect, it } from "vitest";
import { checkVersion, type ServerVersion } from "./check-version.ts";

function told(version: ServerVersion): string {
  const log = createTestLog();
  checkVersion(version, log);
  return log.text();
}

it("an older API server than Belay needs is refused, with what it can't do", () => {
  const old = { major: "1", minor: "22+", gitVersion: "v1.22.17-eks-1" };
  expect(() => told(old)).toThrow(
    expect.objectContaining({
      code: "ENGINE_TOO_OLD",
      message: expect.stringMatching(
        /runs Kubernetes v1\.22\.17-eks-1, and 1\.23 is needed: .*server-side apply.*autoscaling/,
      ),
    }),
  );
});

it("one that is older than those of the tests is told of, once and in one line", () => {
  expect(told({ major: "1", minor: "23" })).toMatch(
    /runs Kubernetes 1\.23\. Belay needs 1\.23, and is tested with 1\.34\./,
  );
  expect(told({ major: "1", minor: "33+", gitVersion: "v1.33.1-gke.100" })).toContain("v1.33.1-gke.100");
});

it("a current one, a newer one and one that tells nothing are taken as they are", () => {
  for (const version of [{ major: "1", minor: "34" }, { major: "1", minor: "40+" }, { major: "2", minor: "0" }, {}]) {
    expect(told(version)).toBe("");
  }
});
