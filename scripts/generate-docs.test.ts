import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { EXIT_CODES, Inputs, OUTCOMES } from "@belay/core";
import { trivyActionCall } from "@belay/scan";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { actionSection, parseAction } from "./docs/action-section.ts";
import { configurationPart } from "./docs/configuration-part.ts";
import { insertGenerated, newPage, table } from "./docs/markdown.ts";
import { generateDocs } from "./generate-docs.ts";

function mapValues<T, U>(of: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value)]));
}

const ROOT = resolve(import.meta.dirname, "..");

describe("generated documentation", () => {
  it("is what `npm run docs` would write", async () => {
    for (const [path, text] of await generateDocs(ROOT)) {
      expect(
        await readFile(join(ROOT, path), "utf8").catch(() => "no such file"),
        `${path}: run \`npm run docs\``,
      ).toBe(text);
    }
  });

  it("has a place in the troubleshooting for every way a run can end", async () => {
    const text = await readFile(join(ROOT, "docs/troubleshooting.md"), "utf8");
    const headings = text.split("\n").filter((line) => line.startsWith("## "));
    const ends = { ...EXIT_CODES, ...mapValues(OUTCOMES, (facts) => facts.exitCode) };
    for (const [name, code] of Object.entries(ends)) {
      const heading = headings.find((line) => line.includes(`\`${name}\``));
      expect(heading?.match(/\d+/g)?.map(Number), name).toContain(code);
    }
  });

  it("keeps what people wrote around the generated part", () => {
    const page = `${newPage("Title", "Opening.")}\nBy hand.\n`;
    const once = insertGenerated(page, "first");
    expect(once).toContain("# Title\n\nOpening.");
    expect(once).toContain("By hand.");
    const twice = insertGenerated(once, "second");
    expect(twice).toContain("second");
    expect(twice).not.toContain("first");
    expect(insertGenerated(twice, "second")).toBe(twice);
    expect(() => insertGenerated("# No marks\n", "x")).toThrow("no place");
  });

  it("keeps a table whole whatever a description holds", () => {
    expect(table(["a", "b"], [["x | y", "line\n  two"]])).toBe("| a | b |\n| --- | --- |\n| x \\| y | line two |");
  });

  it("tells an action's inputs, outputs and permissions", () => {
    const action = parseAction(
      "name: Do\ndescription: Does.\ninputs:\n  must: { description: Needed., required: true }\n  may: { description: Not., default: x }\noutputs:\n  out: { description: Given. }\n",
    );
    const section = actionSection(action, "o/r/actions/do@1", [
      { name: "contents", level: "read", why: "To read." },
      { name: "checks", level: "write", why: "To tell.", without: "Untold.", optional: true },
    ]);
    expect(section).toContain(
      "permissions:\n  contents: read\nsteps:\n  - uses: o/r/actions/do@1\n    with:\n      must: …",
    );
    expect(section).toContain("| `checks: write` | To tell. | Untold. |");
    expect(section).toContain("| `must` (required) | Needed. |  |");
    expect(section).toContain("| `may` | Not. | `x` |");
    expect(section).toContain("| `out` | Given. |");
    expect(section).toContain("| `contents: read` | To read. | The job can't begin. |");
  });

  it("shows a call of actions/trivy that is not refused", async () => {
    const page = (await generateDocs(ROOT)).get("actions/trivy/README.md");
    const [, text = ""] = /```yaml\n(.*?)```/s.exec(page ?? "") ?? [];
    const { steps } = parse(text) as { steps: [{ with?: Readonly<Record<string, string>> }] };
    expect(trivyActionCall(new Inputs((name) => steps[0].with?.[name]), {}).inputs).toEqual(steps[0].with);
  });

  it("follows a schema into mappings, lists, choices and definitions", () => {
    const part = configurationPart({
      properties: {
        version: { const: 1, description: "Version." },
        places: { type: "object", additionalProperties: { $ref: "#/$defs/place" }, description: "Places." },
        checks: {
          type: "array",
          items: { type: "object", properties: { every: { anyOf: [{ const: 0 }, { type: "string" }] } } },
        },
        target: {
          oneOf: [
            {
              description: "Here.",
              properties: { kind: { const: "here" }, n: { type: "integer", minimum: 1, maximum: 3 } },
            },
            { description: "There.", properties: { kind: { const: "there" }, on: { type: "boolean" } } },
          ],
        },
      },
      required: ["version"],
      $defs: { place: { type: "object", description: "A place.", properties: { mode: { enum: ["a", "b"] } } } },
    });
    expect(part).toContain("| `version` | `1` | yes | Version. |");
    expect(part).toContain("## `places.<name>`\n\nA place.");
    expect(part).toContain("| `mode` | `a` or `b` |");
    expect(part).toContain("## `checks[]`");
    expect(part).toContain("| `every` | duration |");
    expect(part).toContain("## `target (kind: here)`");
    expect(part).toContain("| `n` | 1 to 3 |");
    expect(part).toContain("| `on` | `true` or `false` |");
  });
});
