import { XMLParser } from "fast-xml-parser";

/** One test that did not pass. All of it is outside text. */
export interface FailedTest {
  readonly name: string;
  /** Class, or file, that it belongs to. */
  readonly suite?: string;
  readonly file?: string;
  readonly line?: number;
  readonly message: string;
}

export interface JunitReport {
  readonly tests: number;
  readonly skipped: number;
  /** Of all tests together. */
  readonly durationMs: number;
  readonly failures: readonly FailedTest[];
}

/** What is in a `<testsuite>`, `<testcase>`, …: attributes begin with `@`. */
type Element = Readonly<Record<string, unknown>>;

/**
 * Nothing in a report may make the reader work more than its length: entities are not expanded by the parser, so that a
 * DOCTYPE means nothing, and depth is bounded.
 */
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  processEntities: false,
  parseTagValue: false,
  parseAttributeValue: false,
  maxNestedTags: 100,
  isArray: (name) => ["testsuite", "testcase", "failure", "error", "skipped"].includes(name),
});

/** Reads a report in the form that JUnit made usual. @throws Error for what is no such report */
export function parseJunit(xml: string): JunitReport {
  const document: unknown = parser.parse(xml, true);
  const root = isElement(document) ? document : {};
  if (root.testsuites === undefined && root.testsuite === undefined) throw new Error("there is no <testsuite> in it");
  const suites = [...childrenOf(root, "testsuites"), ...childrenOf(root, "testsuite")];
  const cases = suites.flatMap((suite) => casesOf(suite));
  const failures = cases.flatMap(({ test, suite }) => failureOf(test, suite));
  const skipped = cases.filter(({ test }) => test.skipped !== undefined).length;
  const seconds = cases.map(({ test }) => Number(attribute(test, "time") ?? 0));
  const durationMs = Math.round(seconds.reduce((sum, one) => sum + (Number.isFinite(one) ? one : 0), 0) * 1_000);
  return { tests: cases.length, skipped, durationMs, failures };
}

interface Case {
  readonly test: Element;
  readonly suite: Element;
}

function casesOf(suite: Element): Case[] {
  const own = childrenOf(suite, "testcase").map((test) => ({ test, suite }));
  return [...own, ...childrenOf(suite, "testsuite").flatMap(casesOf)];
}

function failureOf(test: Element, suite: Element): FailedTest[] {
  const [failure] = [...listOf(test.failure), ...listOf(test.error)];
  if (failure === undefined) return [];
  const said = isElement(failure)
    ? [attribute(failure, "message"), textOf(failure)].filter((text) => text !== undefined && text !== "")
    : [plainXml(String(failure))];
  const file = attribute(test, "file") ?? attribute(suite, "file");
  const line = Number(attribute(test, "line") ?? Number.NaN);
  const owner = attribute(test, "classname") ?? attribute(suite, "name");
  return [
    {
      name: attribute(test, "name") ?? "a test",
      ...(owner === undefined ? {} : { suite: owner }),
      ...(file === undefined ? {} : { file }),
      ...(Number.isInteger(line) && line > 0 ? { line } : {}),
      message: [...new Set(said)].join("\n"),
    },
  ];
}

function childrenOf(element: Element, name: string): Element[] {
  return listOf(element[name]).filter(isElement);
}

function listOf(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function isElement(value: unknown): value is Element {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function attribute(element: Element, name: string): string | undefined {
  const value = element[`@${name}`];
  return typeof value === "string" && value !== "" ? plainXml(value) : undefined;
}

function textOf(element: Element): string | undefined {
  const text = element["#text"];
  return typeof text === "string" ? plainXml(text) : undefined;
}

const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** The five entities of XML itself, and characters by their number. */
function plainXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(lt|gt|amp|quot|apos));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return NAMED[String(name)] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(String(hex), 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
