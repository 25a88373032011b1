import type { ServiceStatus } from "@belay/pipeline";
import { expect, it } from "vitest";
import { ledgerLine } from "./ledger-line.ts";

const web = {
  service: "web",
  name: "web",
  revision: "a.7",
  image: "x",
  digests: [],
  ready: 1,
  desired: 1,
  health: {},
} satisfies ServiceStatus;
const source = { repository: "https://github.com/acme/shop", revision: "c".repeat(40), author: "Ada" };

it("tells what should run, and whether that was proven", () => {
  const release = { digest: `sha256:${"a".repeat(64)}`, source, images: {} } as const;
  const should = { deployment: 7, release, proven: true };
  expect(ledgerLine({ should, running: [web] })).toBe("Should run: deployment 7, commit cccccccccccc by Ada");
  expect(ledgerLine({ should: { ...should, proven: false }, running: [] })).toContain("(not proven)");
});

it("says so when nothing was ever proven", () => {
  const text = ledgerLine({ should: { proven: false }, running: [web] });
  expect(text).toContain("no deployment of this environment was proven yet");
});

it("tells a ledger that was removed from one that never was", () => {
  expect(ledgerLine({ should: undefined, running: [] })).toContain("nothing was deployed here yet");
  expect(ledgerLine({ should: undefined, running: [web] })).toContain("nothing was deployed here yet");
  const text = ledgerLine({ should: undefined, running: [{ ...web, deployment: 7 }] });
  expect(text).toContain("deployment 7 runs");
  expect(text).toContain("unverified");
});
