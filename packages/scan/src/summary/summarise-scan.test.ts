import { expect, it } from "vitest";
import { applyGate } from "../gate/gate.ts";
import { DEFAULT_POLICY } from "../gate/gate-policy.ts";
import { report, vulnerability } from "../report/report.fixture.ts";
import { countEffects, summariseScan } from "./summarise-scan.ts";

const now = new Date("2026-03-01T12:00:00Z");
const LOW = vulnerability({ id: "CVE-2020-7598", severity: "LOW", package: "minimist", installed: "1.2.0" });
const GONE = vulnerability({ id: "CVE-2021-44228", package: "log4j-core", installed: "2.14.1" });

it("tells new, unchanged and fixed apart, what fails first, each finding once over platforms", () => {
  const lodash = vulnerability({ layer: { createdBy: "RUN /bin/sh -c npm ci # buildkit" } });
  const reports = ["linux/amd64", "linux/arm64"].map((platform) =>
    report(
      [
        { ...LOW, platform },
        { ...lodash, platform },
      ],
      { platform },
    ),
  );
  const result = applyGate({ policy: DEFAULT_POLICY, reports, baseline: [report([LOW, GONE])], now });
  const told = summariseScan("web", result);
  expect(told).toMatchObject({ service: "web", result: "vulnerable", total: 3, obstacles: [] });
  expect(told.comparison).toEqual({ introduced: 1, fixed: 1, unchanged: 1 });
  expect(told.rows.map(({ change, effect, id }) => [change, effect, id])).toEqual([
    ["new", "fails", "CVE-2019-10744"],
    ["fixed", undefined, "CVE-2021-44228"],
    ["unchanged", "reported", "CVE-2020-7598"],
  ]);
  expect(told.rows[0]).toMatchObject({
    subject: "lodash 4.17.11",
    remedy: "fixed in 4.17.12",
    origin: "RUN /bin/sh -c npm ci",
    platforms: ["linux/amd64", "linux/arm64"],
  });
  expect(countEffects(result.decisions)).toEqual({ fails: 1, known: 0, reported: 1, ignored: 0 });
});

it("says nothing of a change where nothing runs, and why there is no comparison where there is none", () => {
  const alone = summariseScan("web", applyGate({ policy: DEFAULT_POLICY, reports: [report([LOW])], now }));
  expect(alone).not.toHaveProperty("comparison");
  expect(alone.rows[0]).not.toHaveProperty("change");
  const other = report([LOW], { database: { schema: 2, updatedAt: "2026-02-01T00:00:00Z" } });
  const told = summariseScan(
    "web",
    applyGate({ policy: DEFAULT_POLICY, reports: [report([])], baseline: [other], now }),
  );
  expect(told.comparison).toMatchObject({ impossible: expect.stringContaining("different databases") });
});
