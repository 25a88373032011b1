import { renderMarkdown } from "@belay/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutMarkdown } from "./cut-markdown.ts";
import { code, details, fence, html, link, prose, safeAddress, table } from "./markdown.ts";

/** Pieces of text that mean something to Markdown, HTML or GitHub. */
const hostile = fc
  .array(
    fc.constantFrom(
      "`",
      "``",
      "```",
      "~~~",
      "*",
      "_",
      "[",
      "](",
      ")",
      "<",
      ">",
      "<!--",
      "-->",
      "</details>",
      "<script>",
      "<img src=x>",
      "&lt;",
      "&",
      "\\",
      "|",
      "\n",
      "\r\n",
      "# ",
      "- ",
      "1. ",
      "> ",
      "===",
      "---",
      "@everyone",
      "@org/team",
      "#123",
      "GH-7",
      "acme/shop#5",
      "https://evil.example",
      "www.evil.example",
      "a@evil.example",
      ":tada:",
      "$x$",
      "$$",
      "text",
      " ",
      "\t",
      "é",
      "🌈",
      "\u200b",
      "\u001b[31m",
      "!",
      "{",
      "}",
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));

const FIRED = /<a |user-mention|issue-link|class="emoji"|<script|<img|<h\d|<li|<em>|<strong>|<blockquote|<del>|<hr/;

/** Text that people see: tags away, entities back. */
function visible(rendered: string): string {
  return rendered
    .replace(/<[^>]*>/g, "")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, "&");
}

/** What may be lost of outside text: its line breaks, terminal colours and invisible marks, ours included. */
function shown(text: string): string {
  return text.replaceAll("\u001b[31m", "").replaceAll("\u200b", "").replace(/\s+/g, " ").trim();
}

describe("outside text", () => {
  it("stays plain text in running Markdown, letter by letter", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const rendered = renderMarkdown(`before ${prose(text)} after`);
        expect(rendered).not.toMatch(FIRED);
        expect(shown(visible(rendered))).toBe(shown(`before ${shown(text)} after`));
      }),
      { numRuns: 2_000 },
    );
  });

  it("stays plain text at the start of a line too", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(renderMarkdown(prose(text))).not.toMatch(FIRED);
      }),
      { numRuns: 1_000 },
    );
  });

  it("stays inside a code span, in a table as well", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(renderMarkdown(`a ${code(text)} b`)).not.toMatch(FIRED);
        const inTable = renderMarkdown(table(["h", "k"], [[code(text), prose(text)]]));
        expect(inTable).not.toMatch(FIRED);
        expect(inTable.match(/<td>/g)).toHaveLength(2);
      }),
      { numRuns: 1_000 },
    );
  });

  it("can't end a code block", () => {
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 5 }), (lines) => {
        const rendered = renderMarkdown(`${fence(lines)}\n\nafter`);
        expect(rendered).toMatch(/^<pre>[\s\S]*<\/pre>\n<p>after<\/p>\n$/);
        expect(rendered.match(/<pre>/g)).toHaveLength(1);
      }),
      { numRuns: 1_000 },
    );
  });

  it("can't end a summary", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const rendered = renderMarkdown(details(html(text), "body"));
        expect(rendered).not.toMatch(FIRED);
        expect(rendered.match(/<\/details>/g)).toHaveLength(1);
      }),
      { numRuns: 1_000 },
    );
  });

  it("becomes a link only when it is a plain web address", () => {
    expect(link("x", "https://shop.example/a?b=c")).toBe("[x](https://shop.example/a?b=c)");
    for (const address of [
      "javascript:alert(1)",
      "data:text/html,x",
      "https://user:pass@evil.example",
      "no address",
      undefined,
    ]) {
      expect(link("x", address)).toBe("x");
    }
    expect(safeAddress('https://a.example/)"<>')).toBe("https://a.example/%29%22%3C%3E");
  });
});

describe("cutMarkdown", () => {
  it("keeps within the limit and closes what was open", () => {
    const long = `# Head\n\n${fence(Array.from({ length: 100 }, (_none, index) => `line ${index}`))}\n\nafter`;
    const cut = cutMarkdown(long, 400);
    expect(cut.length).toBeLessThanOrEqual(400);
    expect(cut).toMatch(/^# Head/);
    expect(renderMarkdown(cut)).toMatch(/<\/pre>\n<p><em>The rest was cut/);
    expect(cutMarkdown("short", 400)).toBe("short");
    expect(cutMarkdown("🌈".repeat(10), 5)).toHaveLength(4);
  });
});
