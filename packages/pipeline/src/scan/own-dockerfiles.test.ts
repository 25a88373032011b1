import type { ScanSettings } from "@belay/config";
import { expect, it } from "vitest";
import { createContext } from "../testing/create-context.ts";
import type { Scanner } from "./open-scanner.ts";
import { scanDockerfilesBefore, whyUncompared } from "./own-dockerfiles.ts";

const file = (checked: boolean) => ({ path: "web/Dockerfile", json: "{}", checked });

it("are compared where both were looked at alike", () => {
  expect(whyUncompared(file(true), file(true))).toBeUndefined();
  // Nobody looked for misconfigurations, in neither of them.
  expect(whyUncompared(file(false), file(false))).toBeUndefined();
  expect(whyUncompared(file(true), file(false))).toContain("Trivy can't parse it");
  expect(whyUncompared(file(false), { missing: "git does not have it" })).toBe("git does not have it");
});

it("are not looked for where nobody knows of which commit what runs is, which is told of each", async () => {
  const asked = { paths: ["a/Dockerfile", "b/Dockerfile"], revision: undefined };
  const found = await scanDockerfilesBefore(createContext("/"), {} as Scanner, {} as ScanSettings, asked);
  const missing = expect.stringContaining("does not tell of which commit");
  expect(Object.fromEntries(found)).toEqual({ "a/Dockerfile": { missing }, "b/Dockerfile": { missing } });
});
