import { describe, expect, it } from "vitest";
import { parseJunit } from "./parse-junit.ts";

const PYTEST = `<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="0" failures="1" tests="3" time="0.2">
<testcase classname="tests.test_cart" name="test_add" file="tests/test_cart.py" line="4" time="0.010" />
<testcase classname="tests.test_cart" name="test_total" file="tests/test_cart.py" line="9" time="0.02">
<failure message="assert 3 &lt; 2">def test_total():
&gt;   assert 3 &lt; 2</failure></testcase>
<testcase classname="tests.test_cart" name="test_later" time="0"><skipped type="pytest.skip" message="later" /></testcase>
</testsuite></testsuites>`;
const VITEST = `<testsuites name="vitest tests"><testsuite name="src/cart.test.ts">
<testcase classname="src/cart.test.ts" name="cart &gt; adds" time="0.5"><failure message="boom" type="Error"><![CDATA[Error: boom
 at <anonymous> src/cart.test.ts:7:11]]></failure></testcase></testsuite></testsuites>`;
const NESTED = `<testsuite name="a"><testsuite name="b"><testcase name="x"/><testcase name="y"><error/></testcase></testsuite></testsuite>`;

describe("a JUnit report", () => {
  it("counts tests, and tells of each failure where it stands", () => {
    expect(parseJunit(PYTEST)).toEqual({
      ...{ tests: 3, skipped: 1, durationMs: 30 },
      failures: [
        {
          ...{ name: "test_total", suite: "tests.test_cart", file: "tests/test_cart.py", line: 9 },
          message: "assert 3 < 2\ndef test_total():\n>   assert 3 < 2",
        },
      ],
    });
    expect(parseJunit(VITEST).failures).toEqual([
      {
        ...{ name: "cart > adds", suite: "src/cart.test.ts" },
        message: "boom\nError: boom\n at <anonymous> src/cart.test.ts:7:11",
      },
    ]);
    expect(parseJunit(NESTED)).toMatchObject({ tests: 2, failures: [{ name: "y", suite: "b", message: "" }] });
    expect(parseJunit("<testsuites/>")).toMatchObject({ tests: 0 });
  });

  it.each([
    ["no XML", "hello"],
    ["another document", "<coverage line-rate='1'/>"],
    ["half of one", PYTEST.slice(0, 400)],
    ["nothing", ""],
    ["one that is too deep", `${"<testsuite>".repeat(5_000)}${"</testsuite>".repeat(5_000)}`],
  ])("is not %s", (_name, text) => {
    expect(() => parseJunit(text)).toThrow();
  });

  it("expands nothing that it defines itself, and reads no other file", () => {
    const laughs = Array.from({ length: 9 }, (_, at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`).join("");
    const bomb = `<!DOCTYPE x [<!ENTITY l0 "ha">${laughs}]>`;
    const text = `${bomb}<testsuite><testcase name="&l9;&#x41;&#0;"><failure>&l9;</failure></testcase></testsuite>`;
    expect(parseJunit(text).failures).toEqual([{ name: "&l9;A&#0;", message: "&l9;" }]);
  });

  it("is refused with an entity outside of it", () => {
    const text = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&f;"/></testsuite>';
    expect(() => parseJunit(text)).toThrow("External entities");
  });

  it("can't change the reader", () => {
    const text = '<testsuite><testcase name="a" __proto__="x"><__proto__>1</__proto__></testcase></testsuite>';
    try {
      parseJunit(text);
    } catch {
      // Refused is as good.
    }
    expect(({} as Record<string, unknown>)["@name"]).toBeUndefined();
  });
});
