import { sha256 } from "@belay/core";
import type { ServiceStatus } from "@belay/pipeline";
import { expect, it } from "vitest";
import { serviceLines } from "./service-lines.ts";

const digest = sha256("web");
const web: ServiceStatus = {
  service: "web",
  name: "web",
  revision: "3fa9c1d2e4b5.12",
  image: `ghcr.io/acme/shop-web@${digest}`,
  digests: [digest],
  ready: 2,
  desired: 3,
  deployment: 12,
  release: sha256("release"),
  releaseDigest: sha256("release"),
  source: { repository: "https://github.com/acme/shop", revision: "c".repeat(40), author: "Ada <ada@example.org>" },
  since: "2026-01-01T00:00:00.123456789Z",
  health: { "running, healthy": 2, "running, unhealthy": 1 },
  by: "ada",
  rolledBackTo: 9,
};

it("tells release, commit, revision, digests, instances by health, since when and by whom", () => {
  expect(serviceLines(web)).toEqual([
    "web  2/3 ready (2 running, healthy; 1 running, unhealthy)",
    `  release   ${sha256("release")} (deployment 12, rolled back to 9)`,
    `  commit    ${"c".repeat(40)}`,
    "  author    Ada <ada@example.org>",
    "  revision  3fa9c1d2e4b5.12",
    `  image     ghcr.io/acme/shop-web@${digest}`,
    `  digests   ${digest}`,
    "  since     2026-01-01T00:00:00Z",
    "  by        ada",
  ]);
});

it("claims nothing that only labels say, and names drift", () => {
  const { source, releaseDigest, rolledBackTo, by, ...labelled } = web;
  const text = serviceLines({ ...labelled, labelledCommit: "d".repeat(40), drift: "shop:dev runs" }).join("\n");
  expect(text).toContain("(deployment 12, by its label only)");
  expect(text).toContain(`${"d".repeat(40)} (by the image's label)`);
  expect(text).toContain("by        unknown");
  expect(text).toContain("DRIFT     shop:dev runs");
  const { deployment, ...foreign } = labelled;
  expect(serviceLines(foreign).join("\n")).toContain("none: not made by Belay");
});

it("tells what ran once to its end as done, and not as missing an instance", () => {
  const migrate = { ...web, service: "migrate", ready: 0, desired: 1, health: {} };
  expect(serviceLines({ ...migrate, done: true })[0]).toBe("migrate  done");
  expect(serviceLines(migrate)[0]).toBe("migrate  0/1 ready");
});

it("shows what comes from outside as text", () => {
  expect(serviceLines({ ...web, by: "\u001b[31mred\u0007" }).join("")).not.toContain("\u001b");
});
