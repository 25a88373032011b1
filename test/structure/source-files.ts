import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Program, parseSync } from "oxc-parser";

export const ROOT = resolve(import.meta.dirname, "../..");

/** Paths (from the root) of the files of the working tree that git tracks or would track, and that match. */
export function projectFiles(...patterns: string[]): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "--", ...patterns];
  const listed = execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).split("\n");
  return [...new Set(listed)].filter((path) => path !== "" && existsSync(join(ROOT, path)));
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Own TypeScript, tests included; bundles and generated files are not source. */
export function sourceFiles(): string[] {
  return projectFiles("*.ts").filter((path) => !path.startsWith("dist/"));
}

export function parse(path: string, text = readText(path)): Program {
  const parsed = parseSync(path, text);
  const [first] = parsed.errors;
  if (first !== undefined) throw new Error(`${path}: ${first.message}`);
  return parsed.program;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}

/** Calls `visit` for each node of the syntax tree. */
export function walk(node: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(node)) {
    for (const one of node) walk(one, visit);
    return;
  }
  if (!isNode(node)) return;
  visit(node);
  for (const value of Object.values(node)) {
    if (typeof value === "object") walk(value, visit);
  }
}

/**
 * What a file imports, dynamic imports of plain strings included. `values` leaves out those of nothing but types, which are
 * gone when the program runs.
 */
export function importsOf(program: Program, of: "all" | "values" = "all"): string[] {
  const found: string[] = [];
  walk(program, (node) => {
    if (!/^(Import|Export(All|Named))Declaration$|^ImportExpression$/.test(node.type)) return;
    const { source, importKind, exportKind } = node as unknown as {
      readonly source: { readonly value?: unknown } | null;
      readonly importKind?: string;
      readonly exportKind?: string;
    };
    if (of === "values" && (importKind === "type" || exportKind === "type")) return;
    if (typeof source?.value === "string") found.push(source.value);
  });
  return found;
}

/** Line number, counted from 1, of an offset. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
