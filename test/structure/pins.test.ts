import { describe, expect, it } from "vitest";
import { parseDocument, visit } from "yaml";
import { projectFiles, readText } from "./source-files.ts";

const PINNED = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$|^docker:\/\/[^\s]+@sha256:[0-9a-f]{64}$/;

/** Every `uses:` of a YAML text that names neither a commit nor something of the repository itself. */
function unpinned(path: string, text: string): string[] {
  const found: string[] = [];
  visit(parseDocument(text), {
    Pair(_, pair) {
      const key = (pair.key as { value?: unknown } | null)?.value;
      const value = (pair.value as { value?: unknown } | null)?.value;
      if (key !== "uses" || typeof value !== "string") return;
      if (!PINNED.test(value) && !/^(\.|\$)\//.test(value)) found.push(`${path}: ${value}`);
    },
  });
  return found;
}

describe("pins", () => {
  it("names every foreign action by its commit", () => {
    const files = projectFiles("*.yml", "*.yaml").filter((path) => !path.startsWith("dist/"));
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap((path) => unpinned(path, readText(path)))).toEqual([]);
  });

  it("would find a tag (the rule itself works)", () => {
    expect(unpinned("x.yml", "steps:\n  - uses: actions/checkout@v6\n  - uses: ./actions/build\n")).toEqual([
      "x.yml: actions/checkout@v6",
    ]);
  });

  it("compares trivy-action with its wrapper at the commit that the wrapper names", () => {
    const [wrapped, compared] = ["actions/trivy/action.yml", ".github/workflows/ci.yml"].map(readText);
    const named = wrapped?.match(/aquasecurity\/trivy-action@[0-9a-f]{40}/g) ?? [];
    expect(new Set(named).size).toBe(1);
    expect(compared).toContain(`repository: aquasecurity/trivy-action\n          ref: ${named[0]?.split("@")[1]}\n`);
  });
});
