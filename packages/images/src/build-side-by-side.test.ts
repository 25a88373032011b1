import { createTestLog } from "@belay/testkit";
import { expect, it } from "vitest";
import { buildSideBySide } from "./build-side-by-side.ts";

const services = ["api", "mail", "web", "worker"].map((name) => [name, { names: {} }] as const);

it("builds no more at a time than it may, and gives the results in the services' order", async () => {
  let [now, most] = [0, 0];
  const built = await buildSideBySide(services, { log: createTestLog(), maxParallel: 2 }, async ([name]) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, name.length));
    now -= 1;
    return name;
  });
  expect(built).toEqual(["api", "mail", "web", "worker"]);
  expect(most).toBe(2);
});

it("ends with the first failure, and says what became of every service", async () => {
  const log = createTestLog();
  const failing = buildSideBySide(services, { log, maxParallel: 2 }, async ([name], signal) => {
    if (name === "web") throw new Error("no web");
    if (name === "mail") {
      await new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    }
  });
  await expect(failing).rejects.toThrow("no web");
  expect(log.lines.at(-1)).toBe("info: Failed: web. Built: api. Stopped before its end: mail. Not begun: worker.");
});

it("says nothing more of a service that is alone", async () => {
  const log = createTestLog();
  const failing = buildSideBySide(services.slice(0, 1), { log, maxParallel: 2 }, () => Promise.reject(new Error("no")));
  await expect(failing).rejects.toThrow("no");
  expect(log.lines.filter((line) => line !== "")).toEqual(["group: Building api"]);
});
