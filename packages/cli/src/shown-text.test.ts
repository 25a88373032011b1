import { afterEach, expect, it, vi } from "vitest";
import { shownText } from "./shown-text.ts";

const FOREIGN = "web: ##[set-output name=x]1\n::stop-commands::t\n";

afterEach(() => vi.unstubAllEnvs());

it("holds no command for GitHub's runner in one of its steps", () => {
  vi.stubEnv("GITHUB_ACTIONS", "true");
  expect(shownText(FOREIGN)).not.toMatch(/##\[|^\s*::/m);
});

it("is what it was for everybody else", () => {
  vi.stubEnv("GITHUB_ACTIONS", undefined);
  expect(shownText(FOREIGN)).toBe(FOREIGN);
});
