import { plainText, truncate } from "@belay/core";
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type LineCounter, type Node, type Pair } from "yaml";
import type { Problem } from "./problem.ts";

/** Merge keys may lead in a circle. */
const DEEPEST_MERGE = 20;

export type Path = readonly (string | number)[];

/** Knows where in the file each value stands. */
export class ConfigSource {
  readonly file: string;
  readonly #document: Document;
  readonly #lines: readonly string[];
  readonly #counter: LineCounter;

  constructor(file: string, text: string, document: Document, counter: LineCounter) {
    this.file = file;
    this.#document = document;
    this.#lines = text.split(/\r?\n/);
    this.#counter = counter;
  }

  /** A problem at a value (or at its key); at the nearest thing above when nothing stands there. */
  problem(path: Path, message: string, at: "key" | "value" = "value"): Problem {
    const { line, col } = this.#counter.linePos(this.#offset(path, at));
    // Whatever stands under `secrets` by mistake may be a secret.
    const frame = path.includes("secrets") ? {} : this.#frame(line, col);
    return { file: this.file, line: Math.max(line, 1), column: Math.max(col, 1), message, ...frame };
  }

  /** A problem at an offset of the text, as the YAML parser tells it. */
  problemAt(offset: number, message: string): Problem {
    const { line, col } = this.#counter.linePos(offset);
    return { file: this.file, line: Math.max(line, 1), column: Math.max(col, 1), message, ...this.#frame(line, col) };
  }

  #frame(line: number, column: number): { frame?: string } {
    const text = this.#lines[line - 1];
    if (text === undefined || text.trim() === "" || column > 160) return {};
    const number = String(line);
    const shown = truncate(plainText(text).replaceAll("\t", " "), 160);
    return {
      frame: `  ${number} | ${shown}\n  ${" ".repeat(number.length)} | ${" ".repeat(Math.max(0, column - 1))}^`,
    };
  }

  #offset(path: Path, at: "key" | "value"): number {
    let node: Node | undefined = this.#document.contents ?? undefined;
    let offset = start(node) ?? 0;
    for (const [index, step] of path.entries()) {
      const next: { key?: number; value?: Node } = this.#step(node, step);
      const last = index === path.length - 1;
      if (next.key === undefined && next.value === undefined) return offset;
      const [key, value] = [next.key ?? offset, start(next.value) ?? next.key ?? offset];
      offset = last && at === "value" ? value : key;
      node = next.value;
    }
    return offset;
  }

  #step(from: Node | undefined, step: string | number, depth = 0): { key?: number; value?: Node } {
    const node = isAlias(from) ? from.resolve(this.#document) : from;
    if (isSeq(node)) {
      const item = node.items[Number(step)];
      return isNode(item) ? { key: start(item) ?? 0, value: item } : {};
    }
    if (!isMap(node) || depth > DEEPEST_MERGE) return {};
    const pair = node.items.find((item) => keyOf(item) === String(step));
    if (pair !== undefined) return { ...offsetOfKey(pair), ...(isNode(pair.value) ? { value: pair.value } : {}) };
    return this.#merged(node.items, step, depth + 1);
  }

  /** A key that came by `<<: *anchor`. */
  #merged(items: readonly Pair[], step: string | number, depth: number): { key?: number; value?: Node } {
    for (const { value } of items.filter(isMerge)) {
      for (const source of isSeq(value) ? value.items : [value]) {
        const found = isNode(source) ? this.#step(source, step, depth) : {};
        if (found.value !== undefined) return found;
      }
    }
    return {};
  }
}

function start(node: Node | undefined): number | undefined {
  return node?.range?.[0];
}

function keyOf(pair: Pair): string | undefined {
  return isScalar(pair.key) ? String(pair.key.value) : undefined;
}

/** The parser reads `<<` as a symbol. */
function isMerge({ key }: Pair): boolean {
  return isScalar(key) && (typeof key.value === "symbol" || key.value === "<<");
}

function offsetOfKey(pair: Pair): { key?: number } {
  return isNode(pair.key) && pair.key.range ? { key: pair.key.range[0] } : {};
}
