import { expect, it } from "vitest";
import { closingLine } from "./closing-line.ts";

it("counts a run that failed without a failed test as a failure", () => {
  const results = { numPassedTests: 12, numFailedTests: 0, numFailedTestSuites: 0 };
  expect(closingLine(results, 0)).toBe("12 passed, 0 failed");
  expect(closingLine(results, 1)).toBe("12 passed, 1 failed");
  expect(closingLine({ ...results, numFailedTests: 2 }, 1)).toBe("12 passed, 2 failed");
});
