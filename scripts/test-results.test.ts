import { expect, it } from "vitest";
import { closingLine, failedFiles, type TestFile, type TestReport } from "./test-results.ts";

const file = (name: string, ...statuses: string[]): TestFile => ({
  name,
  status: statuses.includes("failed") ? "failed" : "passed",
  assertionResults: statuses.map((status) => ({ status })),
});
const broken: TestFile = { name: "/p/broken.test.ts", status: "failed", assertionResults: [] };
const report = (...testResults: TestFile[]): TestReport => ({ testResults });

it("counts the tests of a run", () => {
  expect(closingLine([report(file("/p/a.test.ts", "passed", "passed"))], 0)).toBe("2 passed, 0 failed");
  expect(closingLine([report(file("/p/a.test.ts", "passed", "failed"))], 1)).toBe("1 passed, 1 failed");
});

it("counts what broke without a failed test as a failure", () => {
  expect(closingLine([report(file("/p/a.test.ts", "passed"))], 1)).toBe("1 passed, 1 failed");
  expect(closingLine([report(file("/p/a.test.ts", "passed"), broken)], 1)).toBe("1 passed, 1 failed");
  expect(closingLine([], 1)).toBe("0 passed, 1 failed");
});

it("takes a file's second attempt in place of its first", () => {
  const first = report(file("/p/a.test.ts", "passed"), file("/p/b.test.ts", "failed", "failed"), broken);
  const second = report(file("/p/b.test.ts", "passed", "failed"), file("/p/broken.test.ts", "passed"));
  expect(closingLine([first, second], 1)).toBe("3 passed, 1 failed");
});

it("names each file that failed once", () => {
  const twice = file("/p/b.test.ts", "passed", "failed");
  expect(failedFiles(report(file("/p/a.test.ts", "passed"), twice, twice, broken))).toEqual([
    "/p/b.test.ts",
    "/p/broken.test.ts",
  ]);
});
