import { Redactor } from "@belay/core";
import { expect, test } from "vitest";
import { createTestLog } from "./test-log.ts";

test("keeps what is logged, redacted, with levels and groups", async () => {
  const redactor = new Redactor();
  redactor.add("hunter2");
  const log = createTestLog(redactor);
  const result = await log.group("Building", async () => {
    log.info("password hunter2");
    log.warn("careful");
    return 5;
  });
  expect(result).toBe(5);
  expect(log.lines).toEqual(["group: Building", "info: password ***", "warn: careful"]);
  expect(log.text()).toContain("careful");
});
