import { describe, expect, it } from "vitest";
import { lineAt, parse, readText, sourceFiles, walk } from "./source-files.ts";

const FILE_LINES = 400;
const FUNCTION_LINES = 80;
const FUNCTION = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;

/** Functions of more than `most` lines. The callbacks that frame a test suite are lists, not functions. */
function longFunctions(path: string, text: string, most: number): string[] {
  const found: string[] = [];
  walk(parse(path, text), (node) => {
    if (!FUNCTION.test(node.type)) return;
    const first = lineAt(text, node.start);
    const lines = lineAt(text, node.end) - first + 1;
    if (lines > most && !/describe(\.\w+)?\([^\n]*$/.test(text.split("\n")[first - 1] ?? "")) {
      found.push(`${path}:${first} has ${lines} lines`);
    }
  });
  return found;
}

function usesAny(path: string, text: string): string[] {
  const found: string[] = [];
  walk(parse(path, text), (node) => {
    if (node.type === "TSAnyKeyword") found.push(`${path}:${lineAt(text, node.start)} uses any`);
  });
  return found;
}

describe("size and types", () => {
  it(`keeps files within ${FILE_LINES} lines`, () => {
    const long = sourceFiles().filter((path) => readText(path).trimEnd().split("\n").length > FILE_LINES);
    expect(long).toEqual([]);
  });

  it(`keeps functions within ${FUNCTION_LINES} lines`, () => {
    expect(sourceFiles().flatMap((path) => longFunctions(path, readText(path), FUNCTION_LINES))).toEqual([]);
  });

  it("uses no any", () => {
    expect(sourceFiles().flatMap((path) => usesAny(path, readText(path)))).toEqual([]);
  });

  it("would find them (the rules themselves work)", () => {
    expect(longFunctions("x.ts", `const f = () => {\n${"f();\n".repeat(90)}};`, FUNCTION_LINES)).toHaveLength(1);
    expect(usesAny("x.ts", "const a: any = 1; // any")).toEqual(["x.ts:1 uses any"]);
  });
});
